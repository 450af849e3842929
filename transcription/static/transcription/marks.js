// Marking stretches of text without touching the document (CSS Custom Highlight API). Browsers
// that lack it show the current paragraph only.

const supported = "highlights" in CSS;

// Mark the ranges under a name that the style sheet knows as ::highlight(name).
export function mark(name, ranges) {
  if (!supported) return;
  if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
  else CSS.highlights.delete(name);
}

export function rangeIn(textNode, start, end) {
  const range = new Range();
  range.setStart(textNode, start);
  range.setEnd(textNode, end);
  return range;
}
