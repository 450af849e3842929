// The page of one recording: live progress while it is transcribed, then the transcript.

import { watchActions } from "./actions.js";
import { ApiError, answer, ending, getJSON, statusSentence } from "./api.js";
import { lost, restored } from "./connection.js";
import { connectPartial } from "./partial.js";
import { connectPlayer, explainDeadPlayer, keepPlayer } from "./player.js";
import { poll } from "./poll.js";
import { connectSearch } from "./search.js";
import { localise } from "./text.js";
import { showTranscript } from "./transcript.js";

const INTERVAL = 1000; // milliseconds between two requests while the job is active
const ANSWER = 30000; // milliseconds to wait for a response
const ACTIVE = ["queued", "processing"];

const told = {
  onFailure: (error, wait) => lost(error, wait, polling.now),
  onSuccess: restored,
};
let polling = null;
let partial = null; // the text so far, while there is no transcript
start();

function start(place = null) {
  const article = document.getElementById("job");
  localise(article);
  watchActions(article, () => reload(true));
  polling?.stop();
  restored();
  partial = connectPartial(partial);
  if (ACTIVE.includes(article.dataset.state)) watch(article);
  else if (partial) readPartial(article);
  explainDeadPlayer();
  readTranscript(place);
}

function watch(article) {
  let active = true;
  polling = poll(
    async () => {
      const job = await details(article);
      active = ACTIVE.includes(job.state);
      if (active && job.state === article.dataset.state) update(article, job);
      else await reload();
    },
    () => (active ? INTERVAL : null),
    told,
  );
}

// The text of a job that failed or was cancelled.
function readPartial(article) {
  let more = true;
  polling = poll(
    async () => {
      const { text } = await details(article);
      if (text) partial.add(text);
      more = Boolean(text?.more);
    },
    () => (more ? 0 : null),
    told,
  );
}

// What is told of the job, with the text that the page doesn't have yet.
function details(article) {
  const query = partial ? `?after=${partial.next}` : "";
  return getJSON(article.dataset.url + query, { limit: ANSWER }).catch(leaveIfGone);
}

function leaveIfGone(error) {
  if (error.status === 404) location.reload(); // deleted meanwhile: the site says so
  throw error;
}

function update(article, job) {
  const percent = job.percent == null ? "" : `${Math.floor(job.percent)} %`;
  write(article, "state_label", job.state_label);
  write(article, "stage_label", job.stage_label || job.state_label);
  write(article, "percent", percent);
  write(article, "message", job.message ?? "");
  write(article, "remaining", job.remaining ?? "");
  write(article, "waiting", job.waiting ?? "");
  const progress = article.querySelector(".live progress");
  if (job.percent == null) progress.removeAttribute("value");
  else progress.value = job.percent;
  if (job.text) partial?.add(job.text);
  if (job.text?.more) polling.soon();
  document.title = [percent, job.filename].filter(Boolean).join(" – ");
}

function write(article, field, text) {
  const element = article.querySelector(`[data-field=${field}]`);
  if (element && element.textContent !== text) element.textContent = text;
}

// A new state changes most of the page, so the server's rendering replaces ours.
async function reload(acted = false) {
  const headers = { Accept: "text/html" };
  const options = { cache: "no-store", headers, signal: ending(ANSWER) };
  const response = await answer(location.pathname, options);
  if (response.status >= 500) throw new ApiError(response.status, statusSentence(response.status));
  if (!response.ok) return location.reload();
  const page = new DOMParser().parseFromString(await wholeText(response), "text/html");
  const fresh = page.getElementById("job");
  const old = document.getElementById("job");
  if (!fresh) return location.reload();
  const place = partial?.place();
  const hadFocus = acted || (old.contains(document.activeElement) && !place?.hasFocus);
  fresh.querySelector(".back a").href = old.querySelector(".back a").href;
  document.adoptNode(fresh);
  keepPlayer(old, fresh);
  partial?.moveTo(fresh);
  const shown = partial?.reading;
  old.replaceWith(fresh);
  document.title = page.title;
  start(place);
  place?.restore(shown);
  if (hadFocus) fresh.querySelector("h1").focus({ preventScroll: !acted });
}

async function wholeText(response) {
  try {
    return await response.text();
  } catch {
    throw new ApiError(0, statusSentence(0)); // it broke off, or took too long
  }
}

// place: of the reader in the text that the transcript replaces
async function readTranscript(place) {
  const reading = await showTranscript();
  if (!reading) return;
  place?.restore(reading);
  connectPlayer(reading);
  connectSearch(reading);
}
