// Deletes an upload from the site (tus: termination), finished or not.

import { answer, csrfToken, statusSentence } from "./api.js";
import { renewToken } from "./session.js";

const RETRY_DELAYS = [500, 1500, 4000]; // milliseconds
const TEMPORARY = [0, 403, 408, 423, 429]; // and 5xx: another try may succeed

// Resolves to a sentence that says why it failed; empty if the upload is gone.
export async function terminate(address) {
  const status = await askOnce(address);
  return isGone(status) ? "" : statusSentence(status);
}

// The same, with retries. What the browser stored to resume the upload is forgotten at once: a
// file that is dropped meanwhile starts over.
export async function terminateWithRetries(address) {
  forgetStored(address);
  let status = await askOnce(address);
  for (const delay of RETRY_DELAYS) {
    if (!navigator.onLine || !(TEMPORARY.includes(status) || status >= 500)) break;
    await new Promise((resolve) => setTimeout(resolve, delay));
    if (status === 403) await renewToken();
    status = await askOnce(address);
  }
  return isGone(status) ? "" : statusSentence(status);
}

// Resolves to the status of the response, 0 without one.
async function askOnce(address) {
  const headers = { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrfToken() };
  try {
    const { status } = await answer(address, { method: "DELETE", headers, keepalive: true });
    if (isGone(status)) forgetStored(address);
    return status;
  } catch (error) {
    return error.status ?? 0;
  }
}

function isGone(status) {
  return (status >= 200 && status < 300) || status === 404 || status === 410;
}

// tus-js-client stores the address of each upload under a separate key.
function forgetStored(address) {
  const { href } = new URL(address, location.href);
  for (const key of Object.keys(localStorage)) {
    const isIt = key.startsWith("tus::") && localStorage.getItem(key).includes(`"${href}"`);
    if (isIt) localStorage.removeItem(key);
  }
}
