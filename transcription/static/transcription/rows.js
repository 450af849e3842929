// Rows of the recordings list, made from <template> elements that the server also fills itself.

import { ago, clock, size, writeName } from "./text.js";

// Milliseconds without new bytes after which an upload counts as interrupted. For uploads of this
// browser the time is short, because its page has most likely been reloaded.
const SILENCE = 20000;
const SILENCE_HERE = 8000;
const ACTIVE = ["queued", "processing"];
const announcer = document.getElementById("announcer");

export function isActive(job) {
  return ACTIVE.includes(job.state);
}

// Brings a list into the order of the items. Existing rows stay (with focus and selection), missing
// ones are created and old ones removed: those first, because a row that is moved to close the gap
// loses the focus.
export function updateList(list, items, templateId, fill) {
  const template = document.getElementById(templateId);
  const rows = new Map(Array.from(list.children, (row) => [row.dataset.id, row]));
  const kept = new Set(items.map(({ id }) => String(id)));
  rows.forEach((row, id) => kept.has(id) || row.remove());
  items.forEach((item, index) => {
    const id = String(item.id);
    const row = rows.get(id) ?? template.content.firstElementChild.cloneNode(true);
    row.dataset.id = id;
    fill(row, item);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
}

export function fillJob(row, job) {
  const changed = row.dataset.state && row.dataset.state !== job.state;
  if (changed) announcer.textContent = `${job.filename}: ${job.state_label}`;
  row.dataset.state = job.state;
  const link = row.querySelector("a");
  if (link.getAttribute("href") !== job.url) link.href = job.url;
  writeName(row.querySelector("a"), job.filename);
  write(row, "state", job.state_label);
  write(row, "duration", job.audio_duration == null ? "" : clock(job.audio_duration));
  write(row, "language", job.language_label);
  row.querySelector("time").dateTime = job.created;
  write(row, "created", ago(job.created));
  write(row, "stage", stage(job));
  row.querySelector(".row-progress").hidden = !isActive(job);
  setProgress(row.querySelector("progress"), job.percent);
}

function stage({ stage_label: label, waiting, percent }) {
  const said = waiting || label || "";
  return percent == null ? said : `${said} · ${Math.floor(percent)} %`;
}

export function fillUpload(row, upload, here) {
  const percent = upload.length ? Math.floor((100 * upload.offset) / upload.length) : 0;
  const known = here.canResume(upload.id);
  const silence = Date.now() - lastGrowth(row, upload);
  const sending = here.isSending(upload.id) || silence < (known ? SILENCE_HERE : SILENCE);
  writeName(row.querySelector(".row-name"), upload.filename);
  write(row, "state", sending ? "Uploading" : "Upload interrupted");
  write(row, "received", `${size(upload.offset)} of ${size(upload.length ?? upload.offset)}`);
  write(row, "hint", sending ? "" : resumeHint(known));
  row.dataset.state = sending ? "receiving" : "waiting";
  const discard = row.querySelector("button");
  discard.hidden = sending || !upload.can_discard;
  discard.setAttribute("aria-label", `${discard.textContent}: ${upload.filename}`);
  setProgress(row.querySelector("progress"), percent);
}

// When the upload last grew, according to the server or to this page, in milliseconds.
function lastGrowth(row, upload) {
  if (Number(row.dataset.offset ?? upload.offset) < upload.offset) row.dataset.grewAt = Date.now();
  row.dataset.offset = upload.offset;
  return Math.max(new Date(upload.last_activity).getTime() || 0, Number(row.dataset.grewAt ?? 0));
}

function resumeHint(known) {
  return known
    ? "Drop the file, or its folder, again to resume."
    : "Resume this upload in the browser you started it in.";
}

function write(row, field, text) {
  const element = row.querySelector(`[data-field=${field}]`);
  if (element.textContent !== text) element.textContent = text;
}

function setProgress(progress, percent) {
  if (percent == null) progress.removeAttribute("value");
  else progress.value = percent;
}
