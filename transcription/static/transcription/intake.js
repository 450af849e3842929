// The ways to add files: the button, a drop anywhere on the page, and paste.

import { droppedFiles } from "./dropped.js";
import { drop, note } from "./notes.js";
import { someOf } from "./text.js";

const FORGOTTEN = 1000; // milliseconds without a drag event after which the drag is over

// Calls take(files) with the chosen, dropped or pasted files. Until the page can upload files, this
// prevents the browser from opening them instead of the page.
export function connectIntake(take) {
  const input = document.getElementById("files");
  document.getElementById("browse").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take(Array.from(input.files));
    input.value = ""; // the same file can be chosen again
  });
  document.addEventListener("paste", ({ target, clipboardData }) => {
    const files = Array.from(clipboardData?.files ?? []);
    if (files.length && !target.closest?.("input")) take(files);
  });
  connectDrop(take);
}

function connectDrop(take) {
  const overlay = document.getElementById("drop-overlay");
  let timer = null;

  function show(visible) {
    clearTimeout(timer);
    overlay.hidden = !visible;
    if (visible) timer = setTimeout(() => show(false), FORGOTTEN);
  }

  addEventListener("dragover", (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    show(true);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) show(false); // out of the window
  });
  addEventListener("drop", async (event) => {
    if (!bringsFiles(event)) return; // text is left to the browser
    event.preventDefault();
    show(false);
    const { files, unreadable } = await droppedFiles(event.dataTransfer);
    report(files, unreadable);
    if (files.length) take(files);
  });
}

// Reports the files of a drop that couldn't be read.
function report(files, unreadable) {
  drop("dropped");
  const count = unreadable.length === 1 ? "1 file" : `${unreadable.length} files`;
  if (unreadable.length) {
    note("dropped", "error", `${count} couldn't be read: ${someOf(unreadable)}.`);
  } else if (files.length === 0) {
    note("dropped", "error", "No files found.");
  }
}

function bringsFiles({ dataTransfer }) {
  return dataTransfer?.types.includes("Files") ?? false;
}
