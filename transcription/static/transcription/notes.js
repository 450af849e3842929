// Messages below the drop area: what failed and why, what is done and where it is.

const list = document.getElementById("upload-notes");

// kind: "error", "done" or "wait". A note with the same key replaces the older one.
export function note(key, kind, message, link = null) {
  drop(key);
  const item = document.createElement("li");
  item.className = `note note-${kind}`;
  item.dataset.key = key;
  const text = document.createElement("p");
  text.textContent = message;
  if (link) text.append(" ", anchor(link));
  item.append(text, dismissButton(item));
  list.prepend(item);
}

export function drop(key) {
  for (const item of list.children) if (item.dataset.key === key) item.remove();
}

function anchor({ href, label }) {
  const element = document.createElement("a");
  element.href = href;
  element.textContent = label;
  return element;
}

function dismissButton(item) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "dismiss";
  button.setAttribute("aria-label", "Dismiss this message");
  button.textContent = "×";
  button.addEventListener("click", () => item.remove());
  return button;
}
