// Questions before something is lost, in a native <dialog>: Escape and its first button change
// nothing, and the focus goes back to where it was.

// Shows a dialog; resolves to whether it was confirmed.
export function confirmed(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const answer = () => resolve(dialog.returnValue === "confirm");
    dialog.addEventListener("close", answer, { once: true });
  });
}

// The same with other texts: { title, text, no, yes } go where data-field says so.
export function ask(dialog, words) {
  for (const [field, text] of Object.entries(words)) {
    dialog.querySelector(`[data-field=${field}]`).textContent = text;
  }
  return confirmed(dialog);
}
