// Each file's last request: whether the site answered, and when the next try is.

import { plainReason } from "./api.js";

const files = new WeakMap(); // the file's identifier by its request
const attempts = new Map(); // { retryAt, reason } by the file's identifier; null while all is well

// Called before each request of an upload.
export function requestBegins(request, file) {
  files.set(request, file.id);
  const attempt = attempts.get(file.id);
  if (attempt) attempt.retryAt = 0;
  else attempts.set(file.id, null);
}

// Called with each response.
export function requestAnswered(request, response) {
  if (response.getStatus() < 400) attempts.set(files.get(request), null);
}

// Called when a request failed and is made again after a delay in milliseconds.
export function requestFailed({ originalRequest, originalResponse }, delay) {
  const reason = plainReason(originalResponse?.getBody() ?? "");
  attempts.set(files.get(originalRequest), { retryAt: Date.now() + delay, reason });
}

// Whether a request was made for this file yet; if not, it waits for its turn.
export function hasBegun(id) {
  return attempts.has(id);
}

// { retryAt, reason } while the site doesn't answer, else null. retryAt is 0 during a try.
export function outage(id) {
  return attempts.get(id) ?? null;
}

export function forgetAttempts(id) {
  attempts.delete(id);
}
