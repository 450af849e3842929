// After a reload: go on with what the browser still has, ask for what it has not.

import { note } from "./notes.js";
import { markAlive } from "./refusals.js";

const PATIENCE = 250; // milliseconds

// Restoring replaces the list of files, so nobody may add one before. Where nothing is stored Uppy
// says nothing: hence the limit.
export function restoration(uppy) {
  return new Promise((resolve) => {
    uppy.once("restored", resolve);
    setTimeout(resolve, PATIENCE);
  });
}

// Called when Uppy has put the files of the last visit back into its list.
export function continueRestored(uppy) {
  const lost = uppy.getFiles().filter((file) => file.isGhost);
  lost.forEach(askFor);
  uppy.removeFiles(lost.map((file) => file.id));
  if (uppy.getFiles().length === 0) return;
  // What goes on by itself must not start over by itself.
  uppy.getFiles().forEach((file) => file.tus?.uploadUrl && markAlive(file.tus.uploadUrl));
  const failed = failedBefore(uppy);
  uppy.emit("restore-confirmed"); // goes on with the uploads that were running
  failed.forEach((file) => uppy.retryUpload(file.id).catch(() => {}));
}

// Files that had failed for good (no connection, login expired) and belong to no running upload.
function failedBefore(uppy) {
  const running = Object.values(uppy.getState().currentUploads).flatMap((upload) => upload.fileIDs);
  return uppy.getFiles().filter((file) => file.error && !running.includes(file.id));
}

// The tus address of the upload is kept apart, under the file's name, size and date: dropping the
// same file again finds it.
function askFor(file) {
  const started = Boolean(file.tus?.uploadUrl);
  const aim = started ? "to go on where its upload stopped" : "to upload it";
  note(file.name, "wait", `Drop “${file.name}” again ${aim}.`);
}
