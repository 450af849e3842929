// The uploads in progress: a row each, and above them a line for all of them.

import { outage } from "./attempts.js";
import { Estimate, timeLeft } from "./estimate.js";
import { isWaitingForSite, lineOf, stateOf } from "./sending_state.js";
import * as tally from "./tally.js";
import { writeName } from "./text.js";

const EVERY = 1000; // milliseconds between two looks at the clock
const SOON = 100; // milliseconds in which many updates are one
const STILL = ["uploaded", "failed", "paused", "waiting"]; // states whose line has no clock
const SPOKEN = { paused: "Paused", reconnecting: "Reconnecting", failed: "Failed" };

const panel = document.getElementById("sending");
const list = document.getElementById("sending-files");
const browse = document.getElementById("browse");
const all = document.getElementById("sending-all");
const template = document.getElementById("sending-row");
const announcer = document.getElementById("announcer");
const estimates = new Map();
const shown = new WeakMap(); // what a row shows: the file as Uppy had it

// Shows the files of Uppy; reasonOf(file) says why one failed, act(verb, file or null for all)
// does what a button says.
export function connectSending(uppy, reasonOf, act) {
  let timer = null;
  let due = false;
  const show = () => {
    due = false;
    clearTimeout(timer);
    const files = uppy.getFiles();
    showFiles(files, reasonOf);
    if (files.length) timer = setTimeout(show, EVERY);
  };
  uppy.on("state-update", () => {
    if (!due) setTimeout(show, SOON);
    due = true;
  });
  panel.addEventListener("click", ({ target, detail }) => {
    const verb = target.closest("button[data-verb]")?.dataset.verb;
    const id = target.closest("li")?.dataset.id;
    const file = id ? uppy.getFile(id) : null;
    if (!verb || file === undefined) return; // gone already, its row is about to be
    // By the second click of a double click another row may have come under the pointer.
    if (verb === "cancel" && detail > 1) return;
    act(verb, file);
  });
  show();
}

function showFiles(files, reasonOf) {
  if (document.activeElement === panel && files.length === 0) browse.focus();
  panel.hidden = files.length === 0;
  const rows = new Map(Array.from(list.children, (row) => [row.dataset.id, row]));
  for (const file of files) {
    const row = rows.get(file.id) ?? newRow(file);
    rows.delete(file.id);
    if (!isShown(row, file)) showFile(row, file, reasonOf(file));
  }
  for (const [id, row] of rows) remove(row, id);
  showAll(files);
}

function isShown(row, file) {
  const { state } = row.dataset;
  return shown.get(row) === file && STILL.includes(state) && state === stateOf(file);
}

function newRow(file) {
  const row = template.content.firstElementChild.cloneNode(true);
  row.dataset.id = file.id;
  writeName(row.querySelector("[data-field=name]"), file.name);
  for (const button of row.querySelectorAll("button")) {
    button.setAttribute("aria-label", `${button.textContent.trim()}: ${file.name}`);
  }
  row.querySelector("progress").setAttribute("aria-label", `Uploaded of ${file.name}`);
  estimates.set(file.id, new Estimate());
  list.append(row);
  return row;
}

function remove(row, id) {
  const hadFocus = row.contains(document.activeElement);
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  estimates.delete(id);
  if (!hadFocus) return;
  if (!next) return browse.focus();
  // Not another Cancel: pressing Enter once more would press it.
  const button = next.querySelector("button:not([data-verb=cancel], [hidden])");
  (button ?? panel).focus();
}

function showFile(row, file, reason) {
  const state = stateOf(file);
  const estimate = estimates.get(file.id);
  if (state === "sending") estimate.add(file.progress.bytesUploaded || 0);
  else estimate.restart();
  if (row.dataset.state !== state && state in SPOKEN) {
    announcer.textContent = `${file.name}: ${SPOKEN[state]}`;
  }
  row.dataset.state = state;
  shown.set(row, file);
  write(row, "line", lineOf(file, estimate, reason.text));
  write(row, "percent", state === "failed" ? "" : `${percentOf(file)}\u00a0%`);
  row.querySelector("progress").value = percentOf(file);
  const link = row.querySelector("[data-field=link]");
  link.hidden = !(state === "failed" && reason.link);
  if (reason.link) Object.assign(link, { href: reason.link.href, textContent: reason.link.label });
  showButtons(row, file, state);
}

function showButtons(row, file, state) {
  const { bytesUploaded: sent, bytesTotal: total } = file.progress;
  const finishing = total && sent >= total;
  const offered = {
    pause: ["waiting", "sending", "reconnecting"].includes(state) && !finishing,
    resume: state === "paused",
    retry: state === "failed",
    now: state === "reconnecting" && outage(file.id).retryAt > Date.now() + EVERY,
    cancel: state !== "uploaded",
  };
  const focused = row.querySelector("button:focus");
  for (const button of row.querySelectorAll("button")) button.hidden = !offered[button.dataset.verb];
  if (focused?.hidden) row.querySelector("button:not([hidden])")?.focus();
}

function percentOf({ progress: { bytesUploaded: sent, bytesTotal: total } }) {
  return total ? Math.floor((100 * (sent || 0)) / total) : 0;
}

function showAll(files) {
  const batch = tally.progress();
  const focused = all.querySelector("button:focus");
  all.hidden = batch.total < 2 || files.length < 2;
  if (all.hidden) return focused && browse.focus();
  const rest = files.filter((file) => stateOf(file) !== "uploaded");
  const open = rest.filter((file) => !file.error);
  const sent = batch.sent + sum(rest, sentOf);
  const percent = batch.bytes ? Math.min(100, Math.floor((100 * sent) / batch.bytes)) : 0;
  write(all, "line", lineOfAll(batch, open, rest.length - open.length, percent));
  all.querySelector("progress").value = percent;
  const paused = open.length > 0 && open.every(({ isPaused }) => isPaused);
  all.querySelector("[data-verb=pause]").hidden = paused || open.length === 0;
  all.querySelector("[data-verb=resume]").hidden = !paused;
  all.querySelector("[data-verb=retry]").hidden = open.length > 0 || rest.length === 0;
  all.querySelector("[data-verb=cancel]").hidden = rest.length === 0;
  if (focused?.hidden) (all.querySelector("button:not([hidden])") ?? browse).focus();
}

function lineOfAll({ total, uploaded }, open, failed, percent) {
  const parts = [`${uploaded} of ${total} uploaded`, `${percent}\u00a0%`];
  if (failed) parts.splice(1, 0, `${failed} failed`);
  const running = open.filter((file) => !["paused", "waiting"].includes(stateOf(file)));
  if (open.length && open.every(({ isPaused }) => isPaused)) parts.unshift("Paused");
  else if (running.length && running.every(isWaitingForSite)) parts.unshift("Reconnecting …");
  else parts.push(timeLeft(sum(open, leftOf), sum(running, speedOf)));
  return parts.filter(Boolean).join(" · ");
}

function sum(files, amountOf) {
  return files.reduce((total, file) => total + amountOf(file), 0);
}

function sentOf({ progress }) {
  return progress.bytesUploaded || 0;
}

function leftOf(file) {
  return Math.max(0, (file.size || 0) - sentOf(file));
}

function speedOf({ id }) {
  return estimates.get(id)?.speed() ?? 0;
}

function write(root, field, text) {
  const element = root.querySelector(`[data-field=${field}]`);
  if (element.textContent !== text) element.textContent = text;
}
