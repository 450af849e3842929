// The transcript as paragraphs, made in slices so that ten thousand of them never stop the page.

import { getJSON } from "./api.js";
import { copyText } from "./clipboard.js";
import { clock } from "./text.js";

const COLOURS = 6; // that the style sheet has for speakers
const SLICE = 200; // segments in one block; blocks out of sight are neither laid out nor painted

// Fetches and shows the segments. Resolves to what the player and the search need, or to null:
// { root, segments, paragraphs, texts }, the last two with one element and text node a segment.
export async function showTranscript() {
  const root = document.getElementById("transcript");
  if (!root) return null;
  const segments = await fetchSegments(root);
  if (!segments) return null;
  root.replaceChildren();
  document.getElementById("no-speech").hidden = segments.length > 0;
  root.parentElement.classList.toggle("is-empty", segments.length === 0);
  const reading = { root, segments, colours: colours(segments), paragraphs: [], texts: [] };
  root.append(speakersOf(reading));
  for (let start = 0; start < segments.length; start += SLICE) {
    root.append(block(reading, start));
    await nextFrame();
  }
  root.removeAttribute("aria-busy");
  connectCopy(segments);
  connectArrowKeys(reading);
  return segments.length ? reading : null;
}

async function fetchSegments(root) {
  root.replaceChildren(message("loading", "Loading the transcript …"));
  try {
    const { segments } = await getJSON(root.dataset.url);
    return segments.filter((segment) => segment.text?.trim());
  } catch (error) {
    const reason = `The transcript couldn't be loaded. ${error.message}`;
    root.replaceChildren(message("notice notice-error", reason));
    return null;
  }
}

function message(className, text) {
  const element = document.createElement("p");
  element.className = className;
  element.textContent = text;
  return element;
}

// Waits for a frame; in a hidden tab there are none, hence the timer.
function nextFrame() {
  return new Promise((resolve) => {
    requestAnimationFrame(resolve);
    setTimeout(resolve, 50);
  });
}

function block(reading, start) {
  const element = document.createElement("div");
  element.className = "block";
  const end = Math.min(start + SLICE, reading.segments.length);
  for (let index = start; index < end; index += 1) element.append(paragraph(reading, index));
  return element;
}

function paragraph(reading, index) {
  const segment = reading.segments[index];
  const element = document.createElement("p");
  element.className = "segment";
  element.dataset.index = index;
  const text = document.createElement("span");
  text.className = "text";
  text.dir = "auto";
  text.textContent = segment.text.trim();
  element.append(timeButton(segment, index));
  if ((segment.speaker ?? "") !== (reading.segments[index - 1]?.speaker ?? "")) {
    element.append(speakerName(segment.speaker, reading.colours));
  }
  element.append(text);
  reading.paragraphs.push(element);
  reading.texts.push(text.firstChild);
  return element;
}

function timeButton(segment, index) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "time";
  button.tabIndex = index ? -1 : 0;
  button.textContent = clock(segment.start);
  button.setAttribute("aria-label", `Play from ${button.textContent}`);
  return button;
}

// Each speaker's colour, by the order in which they begin; the name beside it says the same.
function colours(segments) {
  const names = new Set(segments.map(({ speaker }) => speaker).filter(Boolean));
  return new Map(Array.from(names, (name, index) => [name, index % COLOURS]));
}

// The speakers of this recording, for the head of a printed document.
function speakersOf({ colours }) {
  const element = message("on-paper", `Speakers: ${[...colours.keys()].join(", ")}`);
  element.hidden = colours.size === 0;
  return element;
}

function speakerName(speaker, colours) {
  const element = document.createElement("span");
  element.className = "speaker";
  if (speaker) element.dataset.colour = colours.get(speaker);
  element.textContent = speaker ?? "Speaker unknown";
  return element;
}

// One stop for the Tab key, arrow keys between times: ten thousand stops would be too many.
function connectArrowKeys({ root, paragraphs }) {
  root.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches(".time")) return;
    const next = paragraphs[Number(event.target.parentElement.dataset.index) + step];
    if (!next) return;
    event.preventDefault();
    const button = next.querySelector(".time");
    event.target.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  });
}

function connectCopy(segments) {
  const button = document.getElementById("copy");
  const label = button.textContent;
  button.disabled = segments.length === 0;
  button.addEventListener("click", async () => {
    button.textContent = (await copyText(plainText(segments))) ? "Copied" : "Copying failed";
    setTimeout(() => (button.textContent = label), 2000);
  });
}

function plainText(segments) {
  return segments
    .map(({ text, speaker }) => (speaker ? `[${speaker}]: ${text.trim()}` : text.trim()))
    .join("\n");
}
