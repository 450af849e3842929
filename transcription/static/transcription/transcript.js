// The transcript as paragraphs, made in slices so that ten thousand of them never stop the page.

import { getJSON } from "./api.js";
import { copyText } from "./clipboard.js";
import { connectArrowKeys, emptyReading, paragraph } from "./segments.js";

const SLICE = 200; // segments in one block; blocks out of sight are neither laid out nor painted

// Fetches and shows the segments. Resolves to what the player and the search need, or to null. The
// text that was found so far, if there is any, stays until the whole replaces it at once.
export async function showTranscript() {
  const root = document.getElementById("transcript");
  if (!root) return null;
  const hasDraft = root.querySelector(".segment") !== null;
  if (!hasDraft) root.replaceChildren(message("loading", "Loading the transcript …"));
  const segments = await fetchSegments(root);
  if (!segments) return null;
  if (!hasDraft) root.replaceChildren();
  document.getElementById("no-speech").hidden = segments.length > 0;
  root.parentElement.classList.toggle("is-empty", segments.length === 0);
  const reading = emptyReading(root, segments);
  const shown = hasDraft ? document.createDocumentFragment() : root;
  shown.append(speakersOf(reading));
  for (let start = 0; start < segments.length; start += SLICE) {
    shown.append(block(reading, start));
    await nextFrame();
  }
  if (hasDraft) root.replaceChildren(shown);
  root.removeAttribute("aria-busy");
  connectCopy(segments);
  connectArrowKeys(reading);
  return segments.length ? reading : null;
}

async function fetchSegments(root) {
  try {
    const { segments } = await getJSON(root.dataset.url);
    return segments.filter((segment) => segment.text?.trim());
  } catch (error) {
    const reason = `The transcript couldn't be loaded. ${error.message}`;
    root.querySelector(".loading")?.remove();
    root.prepend(message("notice notice-error", reason));
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

// The speakers of this recording, for the head of a printed document.
function speakersOf({ colours }) {
  const element = message("on-paper", `Speakers: ${[...colours.keys()].join(", ")}`);
  element.hidden = colours.size === 0;
  return element;
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
