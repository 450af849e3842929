// The positions of a segment's words in its text, computed only for the segment that needs them.

// [{ from, to, start, end }]: positions in the text and seconds, for words that have a time.
export function placeWords(segment) {
  const text = segment.text.trim();
  const placed = [];
  let position = 0;
  for (const { word, start, end } of segment.words ?? []) {
    const from = text.indexOf(word.trim(), position);
    if (from < 0 || !word.trim()) continue;
    position = from + word.trim().length;
    if (Number.isFinite(start)) placed.push({ from, to: position, start, end: end ?? start });
  }
  return placed;
}

// The position in a text node that lies under the pointer, or -1.
export function positionAt(event, textNode) {
  const caret = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  if (caret) return caret.offsetNode === textNode ? caret.offset : -1;
  const range = document.caretRangeFromPoint?.(event.clientX, event.clientY);
  return range?.startContainer === textNode ? range.startOffset : -1;
}
