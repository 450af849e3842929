// Errors of uploads: which are retried, and their messages.

import { plainReason, statusSentence } from "./api.js";

const SENTENCES = {
  0: "The connection was lost. Press Retry to resume.",
  401: "You are logged out. Log in and, if asked, drop the file again to resume.",
  403: "You were logged out, or logged in elsewhere. Log in if needed, then press Retry to resume.",
  404: "The upload was ended or has expired. Drop the file again to start over.",
  410: "The upload was ended or has expired. Drop the file again to start over.",
  413: "The file, or a chunk of it, is larger than the site or its proxy accepts.",
  415: "This file can't be transcribed: it isn't audio or video.",
  507: "The site's disk is full.",
};

// Addresses of uploads that existed at an earlier request of this page.
const alive = new Set();

// A response to HEAD after which tus-js-client would send the whole file again, though the upload may
// still exist, or was ended on purpose during this upload. Throwing makes it an error and keeps the
// stored address: if the user drops the file again, it starts over.
class ResumeRefused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

export function markAlive(url) {
  alive.add(url);
}

export function keepStoredUpload(request, response) {
  const status = response.getStatus();
  // The response has a new upload's address; tus-js-client resolves it in the same way.
  const url = new URL(response.getHeader("Location") ?? "", request.getURL()).href;
  if (status < 400) alive.add(url);
  const isGone = [404, 410].includes(status);
  const wasAlive = isGone && alive.delete(url);
  if (request.getMethod() !== "HEAD" || status < 400 || status === 423) return;
  if (isGone && !wasAlive) return; // an old one: dropping the file meant to start over
  throw new ResumeRefused(status);
}

function statusOf(error) {
  const unresumed = error.causingError ?? error.cause;
  return error.originalResponse?.getStatus() ?? unresumed?.status ?? 0;
}

// While the site doesn't answer, retries go on for long; a repeated error is shown soon.
const AWAY = [0, 408, 423, 429, 502, 503, 504];
const TRIES = 7;

// next() is Uppy's own decision: it makes the queue wait until the browser is online again.
export function isWorthRetrying(error, attempt, options, next) {
  const status = statusOf(error);
  if (!navigator.onLine) return next(error);
  if (AWAY.includes(status) || (status >= 520 && status <= 524)) return true;
  if (attempt >= TRIES) return false;
  if (status === 409) return error.originalRequest?.getMethod() !== "POST";
  return status >= 500 && ![501, 505, 507].includes(status);
}

// An error that the same file would get again.
export function isFinal(error, response) {
  const status = response?.status ?? statusOf(error);
  return status >= 400 && status < 500 && ![401, 403, 408, 423, 429].includes(status);
}

// Why a file couldn't be uploaded: { text, link, needsLogin }, the link if one helps.
export function uploadReason(error, response) {
  const status = response?.status ?? statusOf(error);
  const said = plainReason(response?.body?.xhr?.responseText ?? "");
  const link = status === 401 ? { href: "/login?next=/", label: "Log in" } : null;
  return { text: reason(status, said), link, needsLogin: [401, 403].includes(status) };
}

function reason(status, said) {
  if ([401, 403].includes(status)) return SENTENCES[status];
  if (status >= 520 && status <= 524) return SENTENCES[0];
  return said || SENTENCES[status] || statusSentence(status);
}
