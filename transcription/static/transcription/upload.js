// The drop area: Uppy's Dashboard, uploads by tus, resumed after a reload.

import { csrfToken } from "./api.js";
import { drop, note } from "./notes.js";
import { chosenOptions, connectOptions, optionsProblem } from "./options.js";
import { isFinal, isWorthRetrying, keepStoredUpload, uploadSentence } from "./refusals.js";
import { continueRestored, restoration } from "./restore.js";
import { isSoleTab } from "./sole.js";

const MEBIBYTE = 1024 * 1024;
const RETRY_DELAYS = [0, 1000, 2000, 4000, 8000, 16000, 32000]; // milliseconds
const DAY = 24 * 60 * 60 * 1000;
// A recording up to this size is copied into the browser's own storage, so that its upload goes on
// by itself after a reload. Anything larger has to be dropped again (and then goes on, too).
const RESTORABLE = { maxFileSize: 256 * MEBIBYTE, maxTotalSize: 1024 * MEBIBYTE };
const MESSAGES = {
  noDuplicates: "%{fileName}: This file is being uploaded already.",
  exceedsSize: "%{file}: The file is larger than %{size}.",
  inferiorSize: "The file is empty.",
  youCanOnlyUploadFileTypes: "This kind of file cannot be transcribed. These can: %{types}",
};
const SHOW_COMPLETE = 2500; // milliseconds that a finished file stays in the drop area

// Builds the drop area. onChange is called when an upload starts, ends or fails.
export async function startUploads(section, onChange) {
  connectOptions(section, { remember: true });
  const [uppyModule, sole] = await Promise.all([import(section.dataset.uppy), isSoleTab()]);
  const { Uppy, Dashboard, Tus, GoldenRetriever } = uppyModule;
  const accepts = section.dataset.accept;
  const uppy = new Uppy({
    id: "recordings",
    autoProceed: true,
    restrictions: {
      allowedFileTypes: accepts === "*/*" ? null : accepts.split(","),
      maxFileSize: Number(section.dataset.maxSize) || null,
      minFileSize: 1,
    },
    locale: { strings: MESSAGES },
    onBeforeFileAdded: () => !optionsProblem(section), // the site would refuse it
  });
  uppy.on("file-added", (file) => uppy.setFileMeta(file.id, choices(section, file)));
  uppy.on("file-added", () => drop("options"));
  uppy.on("restriction-failed", (file, error) => {
    const problem = optionsProblem(section);
    note(problem ? "options" : (file?.name ?? "page"), "error", problem || error.message);
  });
  listen(uppy, onChange);
  uppy.use(Tus, tusOptions(section));
  if (sole) {
    uppy.use(GoldenRetriever, { expires: DAY, indexedDB: RESTORABLE });
    await restoration(uppy);
  }
  return uppy.use(Dashboard, dashboardOptions(section));
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
    onShouldRetry: isWorthRetrying,
    onAfterResponse: keepStoredUpload,
  };
}

function dashboardOptions(section) {
  const byFinger = matchMedia("(pointer: coarse)").matches;
  return {
    inline: true,
    target: section.querySelector("#drop-area"),
    width: "100%",
    height: byFinger ? 210 : 300,
    theme: "auto",
    proudlyDisplayPoweredByUppy: false,
    disableThumbnailGenerator: true,
    disableInformer: true, // its messages go below the drop area, where they stay
    singleFileFullScreen: false,
    hideUploadButton: true,
    doneButtonHandler: null,
    locale: {
      strings: {
        dashboardTitle: "Drop area for recordings",
        // who points with a finger drops nothing
        dropPasteFiles: byFinger ? "%{browseFiles}" : "Drop a recording here or %{browseFiles}",
        browseFiles: byFinger ? "Choose a recording" : "browse files",
        dropHint: "Let go to upload",
      },
    },
  };
}

function loginLink(response) {
  return response?.status === 401 ? { href: "/login?next=/", label: "Log in" } : null;
}

function listen(uppy, onChange) {
  uppy.on("upload-start", onChange);
  uppy.on("upload-start", (files) => files.forEach((file) => drop(file.name)));
  uppy.on("upload-success", (file, response) => {
    const task = response.body?.xhr?.getResponseHeader("X-Task-Id") || file.meta.taskId;
    const link = { href: `/jobs/${task}`, label: "Open the transcript" };
    note(file.name, "done", `${file.name} is uploaded.`, link);
    onChange();
  });
  uppy.on("upload-error", (file, error, response) => {
    note(file.name, "error", uploadSentence(file, error, response), loginLink(response));
    if (isFinal(error, response)) setTimeout(() => uppy.removeFile(file.id));
    onChange();
  });
  uppy.on("complete", ({ successful }) => {
    setTimeout(() => uppy.removeFiles(successful.map((file) => file.id)), SHOW_COMPLETE);
  });
  uppy.on("restored", () => continueRestored(uppy));
}
