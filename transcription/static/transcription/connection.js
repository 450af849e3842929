// Says on any page that the site does not answer, and when it is asked again.

import { countDown } from "./text.js";

const LOGIN = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;

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
login.href = LOGIN;
login.textContent = "Log in";
bar.append(sentence, next, tryNow, login);
restored();
document.getElementById("main").prepend(bar);

// error: what the question met; wait: milliseconds until the next; again() asks at once.
export function lost(error, wait, again) {
  const loggedOut = error.status === 401;
  write(loggedOut ? "You are logged out." : "Reconnecting … The site doesn't answer.");
  tryAgain = again;
  next.hidden = tryNow.hidden = loggedOut;
  login.hidden = !loggedOut;
  stopCounting();
  stopCounting = countDown(Date.now() + wait, (text) => (next.textContent = `Next try ${text}.`));
}

export function restored() {
  stopCounting();
  write("");
  next.hidden = tryNow.hidden = login.hidden = true;
}

function write(text) {
  if (sentence.textContent !== text) sentence.textContent = text;
}
