// After a reload: resumes files that the browser still has, asks for the others.

import { note } from "./notes.js";
import { markAlive } from "./refusals.js";
import * as tally from "./tally.js";

const PATIENCE = 250; // milliseconds

// Restoring replaces the list of files, so new files should be added later. If nothing is stored, Uppy
// sends no event: hence the limit. Files added after the limit, before a slow browser has read its
// storage, are added once more. begin() makes Uppy read it.
export function restore(uppy, begin) {
  const early = new Map();
  const forget = ({ id }) => early.delete(id);
  uppy.on("files-added", (files) => files.forEach((file) => early.set(file.id, file)));
  uppy.on("file-removed", forget);
  uppy.on("upload-success", forget);
  uppy.once("restored", () => {
    const replaced = Array.from(early.values());
    continueRestored(uppy);
    addAgain(uppy, replaced);
  });
  begin();
  return new Promise((resolve) => {
    uppy.once("restored", resolve);
    setTimeout(resolve, PATIENCE);
  });
}

// The identifiers of the files that belong to an upload that Uppy runs.
export function runningFiles(uppy) {
  const uploads = Object.values(uppy.getState().currentUploads);
  return new Set(uploads.flatMap(({ fileIDs }) => fileIDs));
}

function addAgain(uppy, replaced) {
  const gone = replaced.filter(({ id }) => !uppy.getFile(id));
  if (gone.length === 0) return;
  // Otherwise it would continue unseen, beside its replacement.
  gone.forEach((file) => uppy.emit("upload-pause", file, true));
  tally.expect(gone, uppy.getFiles().length > 0);
  uppy.addFiles(gone.map(({ source, name, type, data, meta: { relativePath } }) => {
    return { source, name, type, data, meta: { relativePath } };
  }));
}

// Called when Uppy has put the files of the last visit back into its list.
function continueRestored(uppy) {
  const lost = uppy.getFiles().filter((file) => file.isGhost);
  const done = uppy.getFiles().filter(({ progress }) => progress.uploadComplete);
  lost.forEach(askFor);
  uppy.removeFiles([...lost, ...done].map((file) => file.id));
  if (uppy.getFiles().length === 0) return;
  tally.expect(uppy.getFiles(), false);
  // An upload that resumes by itself must not start over by itself.
  uppy.getFiles().forEach((file) => file.tus?.uploadUrl && markAlive(file.tus.uploadUrl));
  const paused = uppy.getFiles().filter((file) => file.isPaused).map((file) => file.id);
  leaveAlone(uppy, paused);
  const running = runningFiles(uppy);
  const failed = uppy.getFiles().filter(({ id, error }) => error && !running.has(id));
  const areSomeRunning = Object.keys(uppy.getState().currentUploads).length > 0;
  uppy.emit("restore-confirmed"); // resumes files that were running, and retries failed ones
  if (areSomeRunning) failed.forEach((file) => uppy.retryUpload(file.id).catch(() => {}));
  paused.forEach((id) => uppy.setFileState(id, { isPaused: true }));
}

// Uppy would start paused files, and never end them: they start when the user resumes them. Failed
// files that were retried belong to two uploads, and both would send them.
function leaveAlone(uppy, paused) {
  const taken = new Set(paused);
  const isFree = (id) => !taken.has(id) && taken.add(id);
  const uploads = Object.entries(uppy.getState().currentUploads).map(([id, upload]) => {
    return [id, { ...upload, fileIDs: upload.fileIDs.filter(isFree) }];
  });
  const left = uploads.filter(([, { fileIDs }]) => fileIDs.length);
  uppy.setState({ currentUploads: Object.fromEntries(left) });
}

// The tus address of the upload is kept apart, under the file's path, size and date: dropping the
// same file again finds it; a file from a folder must be dropped with that folder.
function askFor(file) {
  const aim = file.tus?.uploadUrl ? "to resume" : "to upload it";
  note(file.name, "wait", `Drop ${whatToDrop(file)} again ${aim}.`);
}

function whatToDrop({ name, meta: { relativePath } }) {
  const [folder, ...rest] = (relativePath ?? "").split("/").filter(Boolean);
  return rest.length ? `the folder “${folder}” with “${name}”` : `“${name}”`;
}
