// Requests to the site: the CSRF token, JSON, and errors as readable sentences.

const UNREADABLE = "The site's response can't be read. If this continues, reload the page.";

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// limit: milliseconds after which the request counts as unanswered.
export async function getJSON(url, { limit = null, cache = "no-store" } = {}) {
  const headers = { Accept: "application/json" };
  const response = await answer(url, { headers, cache, signal: ending(limit) });
  if (!response.ok) throw new ApiError(response.status, await sentence(response));
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) throw new ApiError(response.status, UNREADABLE);
    throw new ApiError(0, statusSentence(0)); // it broke off, or took too long
  }
}

// Aborts a request after so many milliseconds, where the browser can (not Safari before 16).
export function ending(limit) {
  return limit ? (AbortSignal.timeout?.(limit) ?? null) : null;
}

// Whether an error means that the site, or the server behind its proxy, doesn't answer.
export function isAway({ status }) {
  return [0, 502, 504].includes(status) || (status >= 520 && status <= 524);
}

// Posts a form. The site may answer with a redirect or with JSON that names a url: both end up
// in the url returned, null where neither says where to go next.
export async function postForm(url, fields) {
  const response = await answer(url, {
    method: "POST",
    headers: { "X-CSRFToken": csrfToken(), Accept: "application/json, text/html;q=0.5" },
    body: fields,
  });
  if (!response.ok) throw new ApiError(response.status, await sentence(response));
  if (response.redirected) return response.url;
  const isJSON = response.headers.get("Content-Type")?.includes("json");
  return isJSON ? ((await response.json()).url ?? null) : null;
}

// Like fetch(), but a site that does not answer is an ApiError of status 0.
export async function answer(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new ApiError(0, statusSentence(0));
  }
}

async function sentence(response) {
  const said = plainReason(await response.text().catch(() => ""));
  return said || statusSentence(response.status);
}

// The reason in a response's body, if it is a short text for users; else "".
export function plainReason(body) {
  let reason = body;
  try {
    const parsed = JSON.parse(body);
    reason = parsed.detail ?? parsed.error?.message ?? parsed.message ?? parsed.error ?? "";
  } catch {
    if (/^\s*</.test(body)) return "";
  }
  return typeof reason === "string" && reason.length <= 400 ? reason.trim() : "";
}

export function statusSentence(status) {
  if ([0, 502, 504].includes(status)) return "The site doesn't answer. Try again in a moment.";
  if (status === 401) return "Your login has expired. Log in again, then repeat this.";
  if (status === 403) return "The site refused this. Reload the page and try again.";
  if (status === 404) return "This no longer exists.";
  if (status >= 520 && status <= 524) return "The connection to the site was interrupted.";
  if (status >= 500) return "The site had a problem. Try again in a moment.";
  return `The site didn't accept this (status ${status}).`;
}
