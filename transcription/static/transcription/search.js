// Finding text in the transcript: all matches marked, a count, forth and back.

import { mark, rangeIn } from "./marks.js";

const PAUSE = 150; // milliseconds after the last key
const MARKED = 2000; // more matches than this are counted but not marked

export function connectSearch({ paragraphs, texts }) {
  const form = document.getElementById("search");
  const input = document.getElementById("search-text");
  const buttons = form.querySelectorAll("button");
  let matches = [];
  let at = -1;
  let timer = null;

  function find() {
    paragraphs[matches[at]?.index]?.classList.remove("found");
    matches = allMatches(texts, input.value.trim());
    at = -1;
    mark("match", matches.slice(0, MARKED).map(toRange));
    mark("match-current", []);
    buttons.forEach((button) => (button.disabled = matches.length === 0));
    if (matches.length) go(1);
    else report();
  }

  function toRange({ index, from, to }) {
    return rangeIn(texts[index], from, to);
  }

  function go(step) {
    if (!matches.length) return;
    paragraphs[matches[at]?.index]?.classList.remove("found");
    at = (at + step + matches.length) % matches.length;
    const match = matches[at];
    paragraphs[match.index].classList.add("found");
    paragraphs[match.index].scrollIntoView({ block: "center" });
    mark("match-current", [toRange(match)]);
    report();
  }

  function report() {
    const text = matches.length ? `${at + 1} of ${matches.length}` : "no matches";
    document.getElementById("search-count").textContent = input.value.trim() ? text : "";
  }

  function now() {
    clearTimeout(timer);
    timer = null;
    find();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.shiftKey) return;
    event.preventDefault();
    go(-1);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (timer) now();
    else go(1);
  });
  document.getElementById("search-previous").addEventListener("click", () => go(-1));
  if (input.value) find(); // the browser keeps the text over a reload
}

// Any case; spaces match any white space.
function allMatches(texts, wanted) {
  if (!wanted) return [];
  const escaped = wanted.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replace(/\s+/g, "\\s+");
  const pattern = new RegExp(escaped, "giu");
  return texts.flatMap((node, index) =>
    Array.from(node.data.matchAll(pattern), (match) => ({
      index,
      from: match.index,
      to: match.index + match[0].length,
    })),
  );
}
