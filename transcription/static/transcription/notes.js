// Messages below the drop area: what failed and why, what is done and where it is.

const list = document.getElementById("upload-notes");

// kind: "error", "done" or "wait". A note with the same key replaces the older one.
export function note(key, kind, message, link = null) {
  const hadFocus = remove(key);
  const item = document.createElement("li");
  item.className = `note note-${kind}`;
  item.dataset.key = key;
  const text = document.createElement("p");
  text.textContent = message;
  if (link) text.append(" ", anchor(link));
  item.append(text, dismissButton(key));
  list.prepend(item);
  if (hadFocus) item.querySelector("a, button").focus();
}

export function drop(key) {
  const next = after(key);
  if (remove(key)) next.focus();
}

// Returns whether the focus was in it.
function remove(key) {
  const items = Array.from(list.children).filter((item) => item.dataset.key === key);
  const hadFocus = items.some((item) => item.contains(document.activeElement));
  items.forEach((item) => item.remove());
  return hadFocus;
}

// Where the keyboard focus goes when the note with this key is gone.
function after(key) {
  const item = Array.from(list.children).find(({ dataset }) => dataset.key === key);
  const next = item?.nextElementSibling ?? item?.previousElementSibling;
  return next?.querySelector("button") ?? document.getElementById("browse");
}

function anchor({ href, label }) {
  const element = document.createElement("a");
  element.href = href;
  element.textContent = label;
  return element;
}

function dismissButton(key) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "dismiss";
  button.setAttribute("aria-label", "Dismiss this message");
  button.textContent = "×";
  button.addEventListener("click", () => drop(key));
  return button;
}
