// Links the player and the text: clicking a time or word seeks, and the text follows.

import { mark, rangeIn } from "./marks.js";
import { indexAt } from "./segments.js";
import { placeWords, positionAt } from "./words.js";

const HANDS_OFF = 4000; // milliseconds without following after the reader has scrolled
const LINGER = 0.3; // seconds that a word stays marked after its end

// Returns a function that ends this.
export function connectPlayer(reading) {
  const media = document.getElementById("media");
  const end = new AbortController();
  const { signal } = end;
  if (!media) {
    reading.root.classList.add("no-media");
    return () => {};
  }
  const follow = follower(reading, media);
  reading.root.addEventListener("click", (event) => {
    const paragraph = event.target.closest(".segment");
    if (!paragraph) return;
    const index = Number(paragraph.dataset.index);
    if (event.target.closest(".time")) playFrom(media, reading.segments[index].start);
    else seekToWord(event, media, reading, index);
  });
  function tick() {
    if (signal.aborted) return;
    follow();
    if (!media.paused && media.isConnected) requestAnimationFrame(tick);
  }
  media.addEventListener("seeked", follow, { signal });
  media.addEventListener("play", tick, { signal });
  if (!media.paused) tick();
  return () => end.abort();
}

// Moves a player from the article that is replaced into the new one, where it plays on.
export function keepPlayer(old, fresh) {
  const media = old.querySelector("#media");
  const other = fresh.querySelector("#media");
  if (!media || media.getAttribute("src") !== other?.getAttribute("src")) return;
  other.closest(".player").replaceWith(media.closest(".player"));
}

// If this browser can't play the recording, a sentence and a link replace the player.
export function explainDeadPlayer() {
  const media = document.getElementById("media");
  if (!media) return;
  if (media.error) replace(media);
  else media.addEventListener("error", () => replace(media));
}

function replace(media) {
  if (media.readyState > 0 || !media.isConnected) return; // it was cut short, but can be played
  const sentence = document.createElement("p");
  const link = document.createElement("a");
  sentence.className = "unplayable";
  link.href = media.currentSrc || media.src;
  link.download = "";
  link.textContent = "Download it";
  sentence.append("This browser can't play the recording. ", link, " to listen to it.");
  const player = media.closest(".player");
  (document.querySelector(".reading") ?? player).before(sentence); // before the text
  player.remove();
  for (const text of document.querySelectorAll(".transcript")) text.classList.add("no-media");
}

function playFrom(media, seconds) {
  media.currentTime = seconds;
  media.play().catch(() => {}); // refused or cut short: the player itself shows it
}

// A click into the text goes to the word under it; a selection is left alone.
function seekToWord(event, media, reading, index) {
  if (!document.getSelection().isCollapsed) return;
  const position = positionAt(event, reading.texts[index]);
  const words = placeWords(reading.segments[index]);
  const word = words.find(({ from, to }) => position >= from && position <= to);
  if (word) media.currentTime = word.start;
}

// A function that marks what is being said, and scrolls to it while the recording plays.
function follower({ root, segments, paragraphs, texts }, media) {
  let current = -1;
  let words = [];
  let scrolledAt = 0;
  for (const name of ["wheel", "touchmove"]) {
    root.addEventListener(name, () => (scrolledAt = Date.now()), { passive: true });
  }
  return () => {
    const time = media.currentTime;
    const index = indexAt(segments, time);
    if (index !== current) {
      paragraphs[current]?.classList.remove("current");
      paragraphs[index]?.classList.add("current");
      words = index < 0 ? [] : placeWords(segments[index]);
      if (!media.paused && Date.now() - scrolledAt > HANDS_OFF) reveal(paragraphs[index]);
      current = index;
    }
    const word = words.findLast(({ start }) => start <= time);
    const audible = word && time <= word.end + LINGER;
    mark("spoken", audible ? [rangeIn(texts[index], word.from, word.to)] : []);
  };
}

function reveal(paragraph) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  paragraph?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
}
