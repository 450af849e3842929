// The bar that says why a page is not up to date, and when the next try is.

import { isAway } from "./api.js";
import { countDown } from "./text.js";

const AWAY = "Reconnecting … The site doesn't answer.";
const BROKEN = "This page has a problem. If this continues, reload it."; // a bug in our scripts

const bar = document.createElement("div");
const sentence = document.createElement("p");
const next = document.createElement("span");
const tryNow = document.createElement("button");
const login = document.createElement("a");
let tryAgain = () => {};
let stopCounting = () => {};

bar.className = "connection";
sentence.setAttribute("role", "status");
tryNow.type = "button";
tryNow.textContent = "Try now";
tryNow.addEventListener("click", () => tryAgain());
login.textContent = "Log in";
bar.append(sentence, next, tryNow, login);
restored();
document.getElementById("main").prepend(bar);

// error: why the request failed; wait: milliseconds until the next one; again() makes it at once.
export function lost(error, wait, again) {
  const loggedOut = error.status === 401;
  if (error.status === undefined) console.error(error);
  write(reason(error));
  tryAgain = again;
  next.hidden = tryNow.hidden = loggedOut;
  login.hidden = !loggedOut;
  login.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
  stopCounting();
  stopCounting = countDown(Date.now() + wait, (text) => (next.textContent = `Next try ${text}.`));
}

export function restored() {
  stopCounting();
  write("");
  next.hidden = tryNow.hidden = login.hidden = true;
}

function reason(error) {
  if (error.status === 401) return "You are logged out.";
  if (error.status === undefined) return BROKEN;
  return isAway(error) ? AWAY : error.message;
}

function write(text) {
  if (sentence.textContent !== text) sentence.textContent = text;
}
