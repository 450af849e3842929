// Which recordings the list shows: by name and state, page by page. The address holds these filters,
// as without this script. With it the page isn't reloaded, so uploads in progress continue.

const PAUSE = 250; // milliseconds after the last key
const form = document.getElementById("filters");
const heading = document.getElementById("recordings-title");

// Calls onChange() whenever the address asks for another list than before.
export function connectListing(onChange) {
  const ask = (address, remember) => {
    if (address === location.pathname + location.search) return;
    history[remember ? "pushState" : "replaceState"](null, "", address);
    onChange();
  };
  let timer = null;
  form.querySelector("button").hidden = true; // the list is filtered while typing
  form.elements.q.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(wanted(), !location.search), PAUSE);
  });
  form.elements.state.addEventListener("change", () => ask(wanted(), true));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    ask(wanted(), !location.search);
  });
  document.querySelector(".recordings").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-listing]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ask(link.pathname + link.search, true);
    fillForm();
    heading.focus({ preventScroll: true });
    heading.scrollIntoView({ block: "nearest" });
  });
  addEventListener("popstate", () => {
    fillForm();
    onChange();
  });
  fillForm(); // browsers keep what was typed over a reload
}

// The links to newer and older pages, and the message for an empty list.
export function showPlaces({ newer, older, isEmpty }) {
  const narrow = Boolean(form.elements.q.value.trim() || form.elements.state.value);
  document.getElementById("no-recordings").hidden = !isEmpty || narrow;
  document.getElementById("no-matches").hidden = !isEmpty || !narrow;
  document.getElementById("pager").hidden = !newer && !older;
  lead("newer", newer);
  lead("older", older);
}

function lead(id, address) {
  const link = document.getElementById(id);
  link.hidden = !address;
  if (address) link.setAttribute("href", address);
}

function wanted() {
  const fields = { q: form.elements.q.value.trim(), state: form.elements.state.value };
  const query = new URLSearchParams(Object.entries(fields).filter(([, value]) => value));
  return query.toString() ? `/?${query}` : "/"; // Safari 16 has no size
}

function fillForm() {
  const query = new URLSearchParams(location.search);
  form.elements.q.value = query.get("q") ?? "";
  form.elements.state.value = query.get("state") ?? "";
  if (form.elements.state.selectedIndex < 0) form.elements.state.value = "";
}
