// Uploads by tus, resumed after a reload: Uppy does the sending, sending.js shows it.

import { csrfToken } from "./api.js";
import { forgetAttempts, requestAnswered, requestBegins, requestFailed } from "./attempts.js";
import { drop, note } from "./notes.js";
import { chosenOptions, connectOptions, optionsProblem } from "./options.js";
import { isFinal, isWorthRetrying, keepStoredUpload, uploadReason } from "./refusals.js";
import { restore } from "./restore.js";
import { connectSending } from "./sending.js";
import { isSoleTab } from "./sole.js";
import * as tally from "./tally.js";
import { someOf } from "./text.js";
import { actionsOf, retryAll } from "./upload_actions.js";

const MEBIBYTE = 1024 * 1024;
const DAY = 24 * 60 * 60 * 1000;
const SLOWEST = 15000; // milliseconds between two tries, for a day: a closed laptop opens again
const RETRY_DELAYS = [0, 1000, 2000, 4000, 8000, ...Array(DAY / SLOWEST).fill(SLOWEST)];
// A recording up to this size is copied into the browser's storage, so that its upload resumes by
// itself after a reload. Larger files must be dropped again, and then resume, too.
const RESTORABLE = { maxFileSize: 256 * MEBIBYTE, maxTotalSize: 1024 * MEBIBYTE };
const REFUSALS = {
  noDuplicates: "This file is already being uploaded.",
  exceedsSize: "This file is larger than %{size}.",
  inferiorSize: "This file is empty.",
  youCanOnlyUploadFileTypes:
    "This kind of file can't be transcribed. Audio and video can, such as mp3, m4a, wav, mp4 or mov.",
};
const SHOW_COMPLETE = 2500; // milliseconds for which a finished file stays visible
let shownRefusals = []; // the keys of their notes
const reasons = new Map(); // why a file failed, by its identifier

// Sets up uploads. onChange is called when one starts, ends or fails. Resolves to { uppy, add },
// where add(files) uploads files.
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
  uppy.on("files-added", (files) => addChoices(uppy, section, files));
  listen(uppy, onChange);
  uppy.use(Tus, tusOptions(section));
  const reasonOf = (file) => reasons.get(file.id) ?? { text: "" };
  const act = actionsOf(uppy, reasonOf, (files) => {
    files.forEach(tally.cancelled);
    conclude(uppy);
  });
  connectSending(uppy, reasonOf, act);
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
  const failed = uppy.getFiles().filter(({ error }) => error);
  const isBusy = isUploading(uppy);
  const refused = addToList(uppy, files);
  const known = refused.filter(({ file }) => uppy.getFile(file.id)); // in the list already
  const expected = without(files, known);
  if (!isBusy) expected.unshift(...failed);
  if (expected.length) tally.expect(expected, isBusy);
  for (const one of refused) if (!known.includes(one)) tally.refused(one.file);
  const retried = known.filter(({ file }) => uppy.getFile(file.id).error);
  for (const { file } of retried) uppy.setFileState(file.id, { data: file.data }); // as it is now
  if (failed.length) retryAll(uppy);
  tellRefusals(refused.filter((one) => !retried.includes(one)));
  conclude(uppy);
}

function without(files, known) {
  const those = new Set(known.map(({ file }) => file.data));
  return files.filter((file) => !those.has(file));
}

// Returns the files that Uppy refuses: { file, message }, each file in Uppy's form.
function addToList(uppy, files) {
  const refused = [];
  const refuse = (file, { message }) => refused.push({ file, message });
  uppy.on("restriction-failed", refuse);
  try {
    uppy.addFiles(files.map(described));
  } finally {
    uppy.off("restriction-failed", refuse);
  }
  return refused;
}

// One note for each reason, with all its files.
function tellRefusals(refused) {
  shownRefusals.forEach(drop);
  const names = new Map();
  for (const { file, message } of refused) {
    names.set(message, [...(names.get(message) ?? []), file.name]);
  }
  shownRefusals = Array.from(names.keys());
  for (const [message, those] of names) note(message, "error", `${someOf(those)}: ${message}`);
}

function described(file) {
  const meta = { relativePath: file.relativePath || null };
  return { source: "page", name: file.name, type: file.type, data: file, meta };
}

function addChoices(uppy, section, files) {
  const chosen = chosenOptions(section);
  const changed = files.map((file) => {
    return [file.id, { meta: { ...file.meta, ...choices(file), ...chosen } }];
  });
  uppy.patchFilesState(Object.fromEntries(changed)); // all at once, even a thousand
}

function choices(file) {
  return {
    filename: file.name,
    filetype: file.type || "application/octet-stream",
    taskId: file.meta.taskId ?? randomUUID(),
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

// Writes the batch's note, once no upload is in progress.
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
  // Uppy marks a file as uploaded or failed only after this event.
  for (const name of ["upload-success", "upload-error"]) {
    uppy.on(name, () => setTimeout(() => conclude(uppy)));
  }
}

// A file that the site refused permanently leaves the list; a note says why.
function refuse(uppy, file, text) {
  note(file.name, "error", `${file.name}: ${text}`);
  tally.refused(file);
  setTimeout(() => uppy.removeFile(file.id));
}
