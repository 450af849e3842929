// The home page: the drop area, and the list of recordings kept fresh below it.

import { csrfToken, getJSON } from "./api.js";
import { note } from "./notes.js";
import { poll } from "./poll.js";
import { fillJob, fillUpload, isActive, updateList } from "./rows.js";
import { localise } from "./text.js";
import { startUploads } from "./upload.js";

const BUSY = 2000; // milliseconds between two questions while something is going on
const IDLE = 15000;

const section = document.getElementById("upload");
const jobList = document.getElementById("jobs");
const uploadList = document.getElementById("uploads");
let uppy = null;
let busy = true;

localise();
const polling = poll(refresh, () => (busy || isUploading() ? BUSY : IDLE));
start();
uploadList.addEventListener("click", discard);
document.addEventListener("click", keepUploading);

async function start() {
  try {
    uppy = await startUploads(section, () => polling.now());
  } catch (error) {
    console.error(error);
    note("page", "error", "The upload area could not be loaded. Reload the page.");
  }
}

function isUploading() {
  const files = uppy?.getFiles() ?? [];
  return files.some(({ progress, error }) => {
    return progress.uploadStarted && !progress.uploadComplete && !error;
  });
}

async function refresh() {
  const { uploads = [], jobs = [] } = await getJSON(jobList.dataset.url);
  const here = addressesHere();
  updateList(uploadList, uploads, "upload-row", (row, upload) => fillUpload(row, upload, here));
  updateList(jobList, jobs, "job-row", fillJob);
  document.getElementById("no-recordings").hidden = jobs.length + uploads.length > 0;
  busy = jobs.some(isActive) || uploads.length > 0;
}

// Which uploads this page is sending now, and which ones this browser could go on with.
function addressesHere() {
  const sending = (uppy?.getFiles() ?? []).map((file) => file.tus?.uploadUrl ?? "");
  const stored = Object.keys(localStorage)
    .filter((key) => key.startsWith("tus::"))
    .map((key) => localStorage.getItem(key));
  return {
    isSending: (id) => sending.some((url) => url.includes(id)),
    canResume: (id) => stored.some((value) => value.includes(id)),
  };
}

// Leaving the page would interrupt an upload: links open in a new tab meanwhile.
function keepUploading(event) {
  const link = event.target.closest("a[href]");
  if (link) link.target = isUploading() ? "_blank" : "";
}

async function discard(event) {
  const row = event.target.closest("button[data-discard]")?.closest("li");
  if (!row) return;
  const response = await fetch(`${section.dataset.endpoint}${row.dataset.id}`, {
    method: "DELETE",
    headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrfToken() },
  });
  if (response.ok || response.status === 404 || response.status === 410) row.remove();
  polling.now();
}
