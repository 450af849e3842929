// After a reload: go on with what the browser still has, ask for what it has not.

import { note } from "./notes.js";
import { markAlive } from "./refusals.js";
import * as tally from "./tally.js";

const PATIENCE = 250; // milliseconds

// Restoring replaces the list of files, so nobody may add one before. Where nothing is stored Uppy
// says nothing: hence the limit. begin() makes Uppy look.
export function restore(uppy, begin) {
  uppy.on("restored", () => continueRestored(uppy));
  begin();
  return new Promise((resolve) => {
    uppy.once("restored", resolve);
    setTimeout(resolve, PATIENCE);
  });
}

// Whether a file belongs to an upload that Uppy runs.
export function isRunning(uppy, { id }) {
  return Object.values(uppy.getState().currentUploads).some(({ fileIDs }) => fileIDs.includes(id));
}

// Called when Uppy has put the files of the last visit back into its list.
function continueRestored(uppy) {
  const lost = uppy.getFiles().filter((file) => file.isGhost);
  const done = uppy.getFiles().filter(({ progress }) => progress.uploadComplete);
  lost.forEach(askFor);
  uppy.removeFiles([...lost, ...done].map((file) => file.id));
  if (uppy.getFiles().length === 0) return;
  tally.expect(uppy.getFiles(), false);
  // What goes on by itself must not start over by itself.
  uppy.getFiles().forEach((file) => file.tus?.uploadUrl && markAlive(file.tus.uploadUrl));
  const paused = uppy.getFiles().filter((file) => file.isPaused).map((file) => file.id);
  leaveAlone(uppy, paused);
  const failed = uppy.getFiles().filter((file) => file.error && !isRunning(uppy, file));
  const areSomeRunning = Object.keys(uppy.getState().currentUploads).length > 0;
  uppy.emit("restore-confirmed"); // goes on with what was running, else with what had failed
  if (areSomeRunning) failed.forEach((file) => uppy.retryUpload(file.id).catch(() => {}));
  paused.forEach((id) => uppy.setFileState(id, { isPaused: true }));
}

// Uppy would start what is paused, and never end it: it starts when it is resumed.
function leaveAlone(uppy, paused) {
  const uploads = Object.entries(uppy.getState().currentUploads).map(([id, upload]) => {
    return [id, { ...upload, fileIDs: upload.fileIDs.filter((file) => !paused.includes(file)) }];
  });
  const left = uploads.filter(([, { fileIDs }]) => fileIDs.length);
  uppy.setState({ currentUploads: Object.fromEntries(left) });
}

// The tus address of the upload is kept apart, under the file's name, size and date: dropping the
// same file again finds it.
function askFor(file) {
  const started = Boolean(file.tus?.uploadUrl);
  const aim = started ? "to go on where its upload stopped" : "to upload it";
  note(file.name, "wait", `Drop “${file.name}” again ${aim}.`);
}
