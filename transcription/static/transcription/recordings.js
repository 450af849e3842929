// The home page: the drop area, and the list of recordings kept fresh below it.

import { getJSON, isAway } from "./api.js";
import { lost, restored } from "./connection.js";
import { connectDiscard } from "./discard.js";
import { connectIntake } from "./intake.js";
import { connectLeaving } from "./leaving.js";
import { connectListing, showPlaces } from "./listing.js";
import { note } from "./notes.js";
import { poll } from "./poll.js";
import { fillJob, fillUpload, isActive, updateList } from "./rows.js";
import { localise } from "./text.js";
import { followUp } from "./tally.js";
import { isUploading, startUploads } from "./upload.js";

const BUSY = 2000; // milliseconds between two requests while a job or upload is active
const IDLE = 15000;
const SOON = 500; // if another list was requested before the response
const ANSWER = 30000; // milliseconds to wait for a response

const section = document.getElementById("upload");
const list = document.querySelector(".recordings");
const jobList = document.getElementById("jobs");
const announcer = document.getElementById("announcer");
const uploadList = document.getElementById("uploads");
let uppy = null;
let busy = true;
let shown = location.search; // the query whose list is on the page

localise();
const polling = poll(refresh, pause, {
  // An upload in progress shows itself that the site doesn't answer.
  onFailure: (error, wait) => {
    if (isAway(error) && isSending()) restored();
    else lost(error, wait, polling.now);
  },
  onSuccess: restored,
});
const uploading = start();
connectListing(() => {
  list.setAttribute("aria-busy", "true");
  polling.now();
});
connectIntake(take);
connectDiscard(uploadList, section.dataset.endpoint, () => polling.now());
connectLeaving(() => isUploading(uppy));

async function start() {
  try {
    const started = await startUploads(section, () => polling.soon());
    ({ uppy } = started);
    return started;
  } catch (error) {
    console.error(error);
    note("page", "error", "The upload area couldn't be loaded. Reload the page.");
    return null;
  }
}

async function take(files) {
  try {
    (await uploading)?.add(files);
  } catch (error) {
    console.error(error);
    note("page", "error", "The files couldn't be added. Reload the page and try again.");
  }
}

function isSending() {
  const files = uppy?.getFiles() ?? [];
  return files.some(({ progress, error, isPaused }) => {
    return !progress.uploadComplete && !error && !isPaused;
  });
}

function pause() {
  if (shown !== location.search) return SOON;
  return busy || isUploading(uppy) ? BUSY : IDLE;
}

async function refresh() {
  const asked = location.search;
  const address = jobList.dataset.url + asked;
  const { uploads, jobs, newer, older } = await getJSON(address, { limit: ANSWER });
  if (asked !== location.search) return; // another list was requested meanwhile
  const here = addressesHere();
  const others = uploads.filter(({ id }) => !here.isSending(id)); // those of this page are above
  updateList(uploadList, others, "upload-row", (row, upload) => fillUpload(row, upload, here));
  updateList(jobList, jobs, "job-row", fillJob);
  showPlaces({ newer, older, isEmpty: jobs.length + others.length === 0 });
  if (asked !== shown) announce(jobs.length + others.length, older);
  shown = asked;
  list.removeAttribute("aria-busy");
  followUp(jobs);
  busy = jobs.some(isActive) || uploads.length > 0;
}

function announce(count, more) {
  const found = count === 1 ? "1 recording" : `${count} recordings`;
  announcer.textContent = more ? `${found}, and older ones on the next page` : found;
}

// Which uploads this page is sending now, and which ones this browser can resume.
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
