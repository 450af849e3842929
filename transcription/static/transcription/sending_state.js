// The state of an uploading file, as one word and one line of text.

import { hasBegun, outage } from "./attempts.js";
import { timeLeft } from "./estimate.js";
import { size } from "./text.js";

const SILENT = 10000; // milliseconds without bytes going out after which that is said

export function isWaitingForSite(file) {
  return stateOf(file) === "reconnecting" || stateOf(file) === "offline";
}

export function stateOf({ id, error, isPaused, progress }) {
  if (progress.uploadComplete) return "uploaded";
  if (error) return "failed";
  if (isPaused) return "paused";
  if (!hasBegun(id)) return "waiting";
  if (!outage(id)) return "sending"; // a browser that is offline may still reach this site
  return navigator.onLine ? "reconnecting" : "offline";
}

// file: as Uppy has it; estimate: of its speed; reason: why it failed.
export function lineOf(file, estimate, reason) {
  const { bytesUploaded: sent, bytesTotal: total } = file.progress;
  const amount = `${size(sent || 0)}\u00a0of\u00a0${size(total || file.size || 0)}`;
  const lines = {
    uploaded: () => "Uploaded",
    failed: () => reason,
    paused: () => `Paused · ${amount}`,
    waiting: () => `Waiting for its turn · ${size(file.size || 0)}`,
    offline: () => `You are offline. The upload resumes when you are back online. · ${amount}`,
    reconnecting: () => `${reconnecting(outage(file.id))} · ${amount}`,
    sending: () => sending(file, amount, estimate),
  };
  return lines[stateOf(file)]();
}

function reconnecting({ retryAt, reason }) {
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  const next = seconds > 0 ? `Next try in ${seconds}\u00a0s` : "Trying now";
  return `Reconnecting … ${reason ? `${reason} ` : ""}${next}`;
}

function sending({ progress: { bytesUploaded: sent, bytesTotal: total } }, amount, estimate) {
  if (total && sent >= total) return "Finishing …";
  if (estimate.silence() > SILENT) return `Waiting for the site … · ${amount}`;
  return [amount, timeLeft(total - sent, estimate.speed())].filter(Boolean).join(" · ");
}
