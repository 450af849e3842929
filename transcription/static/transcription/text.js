// Times, sizes (as Django's filesizeformat writes them) and dates as people read them.

const RELATIVE = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const NAMED = 8; // the most names in one sentence
const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60]];

// 3725.4 -> "1:02:05"
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  if (hours) parts.unshift(hours);
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

export function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let value = bytes;
  while (value >= 1024 && units.length > 1) {
    value /= 1024;
    units.shift();
  }
  return `${units[0] === "bytes" ? value : value.toFixed(1)}\u00a0${units[0]}`;
}

// "5 minutes ago" within a week, else a date
export function ago(iso) {
  const date = new Date(iso);
  const seconds = (date - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return "";
  if (Math.abs(seconds) > 7 * 86400) return date.toLocaleDateString([], { dateStyle: "medium" });
  const [unit, length] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? [];
  return unit ? RELATIVE.format(Math.trunc(seconds / length), unit) : "just now";
}

// Calls write() now and each second with the wait until a time in milliseconds: "in 8 s", "now".
// Returns a function that stops it.
export function countDown(until, write) {
  const tick = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    write(seconds > 0 ? `in ${seconds}\u00a0s` : "now");
    if (seconds <= 0) clearInterval(timer);
  };
  const timer = setInterval(tick, 1000);
  tick();
  return () => clearInterval(timer);
}

// Rewrites neutral values of the server for this user: <time datetime>, and data-seconds.
export function localise(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const whole = date.toLocaleString([], { dateStyle: "full", timeStyle: "short" });
    time.textContent = "whole" in time.dataset ? whole : ago(time.dateTime);
    time.title = whole;
  }
  for (const element of root.querySelectorAll("[data-seconds]")) {
    const seconds = Number.parseFloat(element.dataset.seconds);
    if (Number.isFinite(seconds)) element.textContent = clock(seconds);
  }
}

// "a.wav, b.wav and 7 more"
export function someOf(names) {
  const rest = names.length - NAMED;
  return rest > 0 ? `${names.slice(0, NAMED).join(", ")} and ${rest} more` : names.join(", ");
}

// The name of a file, with the full name as its title; a name without spaces may break anywhere.
export function writeName(element, name) {
  if (element.textContent !== name) element.textContent = name;
  element.title = name;
  element.classList.toggle("is-one-word", !name.includes(" "));
}
