// The page's CSRF token after a login elsewhere: each login invalidates the token of older pages.

import { answer } from "./api.js";

const META = 'meta[name="csrf-token"]';

// Takes the token from a new copy of this page. Without a login, or while the site doesn't answer, the
// token stays: the next request fails in the same way and shows the reason.
export async function renewToken() {
  try {
    const response = await answer(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!response.ok || response.redirected) return;
    const copy = new DOMParser().parseFromString(await response.text(), "text/html");
    const token = copy.querySelector(META)?.content;
    if (token) document.querySelector(META).content = token;
  } catch {
    // as above
  }
}
