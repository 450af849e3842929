// The actions of the upload buttons, for one file or for all unfinished ones.

import { forgetAttempts, outage } from "./attempts.js";
import { runningFiles } from "./restore.js";
import { renewToken } from "./session.js";
import { cancelOf } from "./upload_cancel.js";

// Returns act(verb, file or null for all). reasonOf(file) says why one failed; cancelled(files) is
// called when they are gone.
export function actionsOf(uppy, reasonOf, cancelled) {
  const verbs = {
    pause: (files) => toggle(uppy, files, true),
    resume: (files) => toggle(uppy, files, false),
    retry: (files) => retry(uppy, files, reasonOf),
    now: (files) => files.forEach((file) => beginAnew(uppy, file)),
    cancel: cancelOf(uppy, cancelled),
  };
  const unfinished = () => uppy.getFiles().filter(({ progress }) => !progress.uploadComplete);
  return (verb, file) => verbs[verb](file ? [file] : unfinished());
}

// Retries all failed files. Uppy would do this first, and make new files wait for it.
export function retryAll(uppy) {
  uppy.getFiles().forEach(({ id, error }) => error && forgetAttempts(id));
  uppy.retryAll().catch(() => {}); // their errors come as events
}

function toggle(uppy, files, paused) {
  const concerned = files.filter(({ error, isPaused }) => !error && Boolean(isPaused) !== paused);
  if (!paused) concerned.forEach(({ id }) => forgetAttempts(id)); // they may wait in the queue again
  const running = runningFiles(uppy);
  const isAll = concerned.length > 1 && concerned.length === files.length;
  if (isAll && files.every(({ id, progress }) => running.has(id) && progress.uploadStarted)) {
    return paused ? uppy.pauseAll() : uppy.resumeAll(); // at once, even for a thousand files
  }
  for (const { id } of concerned) {
    if (running.has(id)) uppy.pauseResume(id);
    else if (!paused) start(uppy, id); // paused before the page was left
  }
}

// Only failed files: a second try beside a running one would occupy its place in the queue forever.
async function retry(uppy, files, reasonOf) {
  if (files.some((file) => reasonOf(file).needsLogin)) await renewToken();
  const failed = files.filter(({ id }) => uppy.getFile(id)?.error);
  if (failed.length > 1) retryAll(uppy);
  else failed.forEach(({ id }) => start(uppy, id));
}

function start(uppy, id) {
  forgetAttempts(id);
  uppy.retryUpload(id).catch(() => {}); // its error comes as an event
}

function beginAnew(uppy, { id, error, isPaused }) {
  if (error || isPaused || !outage(id)) return;
  for (const same of [id, id]) uppy.pauseResume(same);
}
