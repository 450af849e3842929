// Segments as paragraphs, each with its time and, where it changes, its speaker.

import { clock } from "./text.js";

const COLOURS = 6; // that the style sheet has for speakers

// What the player and the search need: the segments, with one element and one text node for each,
// which paragraph() adds.
export function emptyReading(root, segments) {
  return { root, segments, colours: colours(segments), paragraphs: [], texts: [] };
}

// Each speaker's colour, by the order in which they begin; the name beside it says the same.
function colours(segments) {
  const names = new Set(segments.map(({ speaker }) => speaker).filter(Boolean));
  return new Map(Array.from(names, (name, index) => [name, index % COLOURS]));
}

// The index of the segment at this time, else of the one before it; -1 before the first.
export function indexAt(segments, time) {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle].start <= time + 0.05) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// Makes the paragraph of one segment, and adds it and its text to the reading.
export function paragraph(reading, index) {
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

function speakerName(speaker, colours) {
  const element = document.createElement("span");
  element.className = "speaker";
  if (speaker) element.dataset.colour = colours.get(speaker);
  element.textContent = speaker ?? "Speaker unknown";
  return element;
}

// One stop for the Tab key, arrow keys between times: ten thousand stops would be too many.
export function connectArrowKeys({ root, paragraphs }) {
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
