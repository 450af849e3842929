// The page's CSRF token after a login elsewhere: each login invalidates the token of older pages.

import { answer } from "./api.js";

const META = 'meta[name="csrf-token"]';

// Takes the token of a fresh copy of this page. Without a login, or while the site is away, it stays
// as it is: the next request meets the same and says so.
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
