// Where the reader is in a text, so that it stays there while the text is replaced.

import { indexAt } from "./segments.js";

// The first paragraph in sight, and the one with the focus. Its restore(reading) brings the same
// sentences of the new text to where they were.
export function placeOf({ segments, paragraphs }) {
  const seen = scrollY > 0 ? paragraphs.findIndex((one) => bottom(one) > 0) : -1;
  const focused = paragraphs.findIndex((one) => one.contains(document.activeElement));
  const start = segments[seen]?.start;
  const top = seen < 0 ? 0 : paragraphs[seen].getBoundingClientRect().top;
  const focusedAt = segments[focused]?.start;

  function restore(reading) {
    const at = (time) => reading.paragraphs[Math.max(0, indexAt(reading.segments, time))];
    if (start !== undefined) scrollBy(0, at(start).getBoundingClientRect().top - top);
    if (focusedAt !== undefined) focusTime(at(focusedAt));
  }

  return { restore, hasFocus: focused >= 0 };
}

function bottom(element) {
  return element.getBoundingClientRect().bottom;
}

function focusTime(paragraph) {
  const button = paragraph.querySelector(".time");
  for (const other of paragraph.closest(".transcript").querySelectorAll(".time[tabindex='0']")) {
    other.tabIndex = -1;
  }
  button.tabIndex = 0;
  button.focus({ preventScroll: true });
}
