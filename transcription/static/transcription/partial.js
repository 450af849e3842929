// The text of a recording that is being transcribed: segments are added as they are found, and
// nothing that is there is made again.

import { placeOf } from "./place.js";
import { connectPlayer } from "./player.js";
import { connectArrowKeys, emptyReading, paragraph } from "./segments.js";

// Connects the page's partial text; one that was moved along into the page goes on as it is. Null
// if the page has none.
export function connectPartial(known) {
  const root = document.getElementById("partial");
  if (known && known.root === root) return known;
  known?.disconnect();
  return root && new Partial(root);
}

class Partial {
  constructor(root) {
    this.root = root;
    this.section = root.closest(".reading");
    this.reading = emptyReading(root, []);
    this.next = 0; // seconds: where the segments begin that are still to come
    this.disconnect = connectPlayer(this.reading);
    connectArrowKeys(this.reading);
  }

  // Adds what the site has found after `next`; if it began anew, what is there goes. A response
  // that comes late, when another one has brought the same, changes nothing.
  add({ segments, after, next }) {
    if (after && after !== this.next) return;
    if (after < this.next) this.clear();
    this.next = next;
    for (const segment of segments) {
      if (!segment.text?.trim()) continue;
      this.reading.segments.push(segment);
      this.root.append(paragraph(this.reading, this.reading.segments.length - 1));
    }
    this.section.hidden = this.reading.segments.length === 0;
  }

  clear() {
    this.root.replaceChildren();
    for (const list of ["segments", "paragraphs", "texts"]) this.reading[list].length = 0;
  }

  // What the reader sees of it; null if there is none.
  place() {
    return this.reading.segments.length ? placeOf(this.reading) : null;
  }

  // Moves the text into the article that replaces its own: as it is while the job is active, else
  // to where the transcript will be, so that there is text until that is loaded.
  moveTo(article) {
    const partial = article.querySelector("#partial");
    if (partial) {
      this.root.lang = partial.lang;
      partial.closest(".reading").replaceWith(this.section);
    } else {
      article.querySelector("#transcript")?.append(...this.root.childNodes);
    }
  }
}
