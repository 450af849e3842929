// Uploads by tus, resumed after a reload: Uppy does the sending, sending.js shows it.

import { csrfToken } from "./api.js";
import { forgetAttempts, requestAnswered, requestBegins, requestFailed } from "./attempts.js";
import { drop, note } from "./notes.js";
import { chosenOptions, connectOptions, optionsProblem } from "./options.js";
import { isFinal, isWorthRetrying, keepStoredUpload, uploadReason } from "./refusals.js";
import { isRunning, restore } from "./restore.js";
import { connectSending } from "./sending.js";
import { isSoleTab } from "./sole.js";
import * as tally from "./tally.js";
import { someOf } from "./text.js";
import { cancelOf } from "./upload_cancel.js";

const MEBIBYTE = 1024 * 1024;
const DAY = 24 * 60 * 60 * 1000;
const SLOWEST = 15000; // milliseconds between two tries, for a day: a closed laptop opens again
const RETRY_DELAYS = [0, 1000, 2000, 4000, 8000, ...Array(DAY / SLOWEST).fill(SLOWEST)];
// A recording up to this size is copied into the browser's own storage, so that its upload goes on
// by itself after a reload. Anything larger has to be dropped again (and then goes on, too).
const RESTORABLE = { maxFileSize: 256 * MEBIBYTE, maxTotalSize: 1024 * MEBIBYTE };
const REFUSALS = {
  noDuplicates: "This is being uploaded already.",
  exceedsSize: "This is larger than %{size}.",
  inferiorSize: "This file is empty.",
  youCanOnlyUploadFileTypes:
    "This kind of file can't be transcribed. Audio and video can, such as mp3, m4a, wav, mp4 or mov.",
};
const SHOW_COMPLETE = 2500; // milliseconds that a finished file stays in sight
let shownRefusals = []; // the keys of their notes
const reasons = new Map(); // why a file failed: { text, link } by its identifier

// Makes the uploads of the page. onChange is called when one starts, ends or fails. Resolves to
// { uppy, add }, where add(files) uploads what people bring.
export async function startUploads(section, onChange) {
  connectOptions(section, { remember: true });
  const [uppyModule, sole] = await Promise.all([import(section.dataset.uppy), isSoleTab()]);
  const { Uppy, Tus, GoldenRetriever } = uppyModule;
  const accepts = section.dataset.accept;
  const uppy = new Uppy({
    id: "recordings",
    autoProceed: true,
    restrictions: {
      allowedFileTypes: accepts === "*/*" ? null : accepts.split(","),
      maxFileSize: Number(section.dataset.maxSize) || null,
      minFileSize: 1,
    },
    locale: { strings: REFUSALS },
  });
  uppy.on("file-added", (file) => uppy.setFileMeta(file.id, choices(section, file)));
  listen(uppy, onChange);
  uppy.use(Tus, tusOptions(section));
  connectSending(uppy, (file) => reasons.get(file.id) ?? { text: "" }, actions(uppy));
  const kept = { expires: DAY, indexedDB: RESTORABLE };
  if (sole) await restore(uppy, () => uppy.use(GoldenRetriever, kept));
  return { uppy, add: (files) => add(uppy, section, files) };
}

// Whether leaving the page would interrupt something.
export function isUploading(uppy) {
  const files = uppy?.getFiles() ?? [];
  return files.some(({ progress, error }) => !progress.uploadComplete && !error);
}

function add(uppy, section, files) {
  const problem = optionsProblem(section); // the site would refuse it
  drop("options");
  if (problem) return note("options", "error", problem);
  if (files.length === 0) return;
  const refusals = new Map();
  const refuse = (file, { message }) => {
    refusals.set(message, [...(refusals.get(message) ?? []), file.name]);
    tally.refused(file);
  };
  const isBusy = isUploading(uppy);
  tally.expect(isBusy ? files : [...uppy.getFiles().filter(({ error }) => error), ...files], isBusy);
  uppy.on("restriction-failed", refuse);
  try {
    uppy.addFiles(files.map(described));
  } finally {
    uppy.off("restriction-failed", refuse);
  }
  shownRefusals.forEach(drop);
  shownRefusals = Array.from(refusals.keys());
  for (const [message, names] of refusals) note(message, "error", `${someOf(names)}: ${message}`);
  conclude(uppy);
}

function described(file) {
  const meta = { relativePath: file.relativePath || null };
  return { source: "page", name: file.name, type: file.type, data: file, meta };
}

function choices(section, file) {
  return {
    filename: file.name,
    filetype: file.type || "application/octet-stream",
    taskId: file.meta.taskId ?? randomUUID(),
    ...chosenOptions(section),
  };
}

// crypto.randomUUID exists in secure contexts only; a site on a home network has none.
function randomUUID() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function tusOptions(section) {
  return {
    // absolute, because tus-js-client resolves a relative Location against it
    endpoint: new URL(section.dataset.endpoint, location.href).href,
    chunkSize: Number(section.dataset.chunkSize),
    retryDelays: RETRY_DELAYS,
    limit: 2,
    removeFingerprintOnSuccess: true,
    allowedMetaFields: ["filename", "filetype", "taskId", ...Object.keys(chosenOptions(section))],
    headers: () => ({ "X-CSRFToken": csrfToken() }),
    onBeforeRequest: requestBegins,
    onShouldRetry: (error, attempt, options, next) => {
      const again = isWorthRetrying(error, attempt, options, next);
      if (again) requestFailed(error, RETRY_DELAYS[attempt]);
      return again;
    },
    onAfterResponse: (request, response) => {
      requestAnswered(request, response);
      keepStoredUpload(request, response);
    },
  };
}

function actions(uppy) {
  const unfinished = () => uppy.getFiles().filter(({ progress }) => !progress.uploadComplete);
  const toggle = (file, paused) => {
    if (file.error || Boolean(file.isPaused) === paused) return;
    if (isRunning(uppy, file)) uppy.pauseResume(file.id);
    else retry(file); // paused before the page was left
  };
  const retry = ({ id }) => uppy.retryUpload(id).catch(() => {}); // its error comes as an event
  const verbs = {
    pause: (file) => toggle(file, true),
    resume: (file) => toggle(file, false),
    retry,
    now: ({ id }) => [id, id].forEach((same) => uppy.pauseResume(same)), // begins anew at once
  };
  const cancel = cancelOf(uppy, (file) => {
    tally.cancelled(file);
    uppy.removeFile(file.id);
    conclude(uppy);
  });
  return (verb, file) => {
    if (verb === "cancel") cancel(file);
    else if (file) verbs[verb](file);
    else unfinished().forEach(verbs[verb]);
  };
}

// Says how it went, once nothing is on its way any more.
function conclude(uppy) {
  if (!isUploading(uppy)) tally.tell(uppy.getFiles().filter(({ error }) => error).length);
}

function listen(uppy, onChange) {
  uppy.on("upload-start", onChange);
  uppy.on("upload-start", (files) => files.forEach((file) => drop(file.name)));
  uppy.on("upload-success", (file, response) => {
    const task = response.body?.xhr?.getResponseHeader("X-Task-Id") || file.meta.taskId;
    tally.uploaded(file, task);
    setTimeout(() => uppy.getFile(file.id) && uppy.removeFile(file.id), SHOW_COMPLETE);
    onChange();
  });
  uppy.on("upload-error", (file, error, response) => {
    const reason = uploadReason(error, response);
    reasons.set(file.id, reason);
    if (isFinal(error, response)) refuse(uppy, file, reason.text);
    onChange();
  });
  uppy.on("file-removed", ({ id }) => forgetAttempts(id));
  // Uppy marks a file as uploaded or failed after it has told the others of it.
  for (const name of ["upload-success", "upload-error"]) {
    uppy.on(name, () => setTimeout(() => conclude(uppy)));
  }
}

// What the site has refused for good leaves the list, and says so below.
function refuse(uppy, file, text) {
  note(file.name, "error", `${file.name}: ${text}`);
  tally.refused(file);
  setTimeout(() => uppy.removeFile(file.id));
}
