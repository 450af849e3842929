// What goes wrong in an upload: what is worth another try, and how to say the rest.

import { plainReason, statusSentence } from "./api.js";

const SENTENCES = {
  0: "The connection was lost. Press Retry to go on where it stopped.",
  401: "Your login has expired. The upload goes on when you have logged in again.",
  403: "The site refused this upload. Reload the page and try again.",
  404: "The upload had expired. Drop the file again to start over.",
  410: "The upload had expired. Drop the file again to start over.",
  413: "The file, or one piece of it, is larger than the site or a proxy before it accepts.",
  415: "This is not a recording that can be transcribed.",
  507: "The site has no room left on its disk.",
};

// An answer to the question "how much do you have?" that says neither where to go on nor that the
// upload is gone. tus-js-client would start the whole file anew; thrown, it is an error like a cut
// connection, and the stored address survives.
class ResumeRefused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

export function keepStoredUpload(request, response) {
  const status = response.getStatus();
  const answersTheQuestion = status < 400 || [404, 410, 423].includes(status);
  if (request.getMethod() === "HEAD" && !answersTheQuestion) throw new ResumeRefused(status);
}

function statusOf(error) {
  const unresumed = error.causingError ?? error.cause;
  return error.originalResponse?.getStatus() ?? unresumed?.status ?? 0;
}

// next() is Uppy's own judgement: it makes the queue wait until the browser is online again.
export function isWorthRetrying(error, attempt, options, next) {
  const status = statusOf(error);
  if (!navigator.onLine) return next(error);
  if (status === 409) return error.originalRequest?.getMethod() !== "POST";
  if ([0, 408, 423, 429].includes(status)) return true;
  return status >= 500 && ![501, 505, 507].includes(status);
}

// A refusal that the same file would meet again.
export function isFinal(response) {
  const status = response?.status ?? 0;
  return status >= 400 && status < 500 && ![401, 408, 423, 429].includes(status);
}

// One sentence, or two, for a file that could not be uploaded.
export function uploadSentence(file, error, response) {
  const status = response?.status ?? statusOf(error);
  const said = plainReason(response?.body?.xhr?.responseText ?? "");
  return `${file.name}: ${reason(status, said)}`;
}

function reason(status, said) {
  if (status === 401) return SENTENCES[401];
  if (status >= 520 && status <= 524) return SENTENCES[0];
  return said || SENTENCES[status] || statusSentence(status);
}
