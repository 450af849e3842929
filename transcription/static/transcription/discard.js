// Discards an interrupted upload, after a question.

import { ask } from "./confirm.js";
import { drop, note } from "./notes.js";
import { terminate } from "./terminate.js";

// Connects the buttons of the list of unfinished uploads; done() is called when one is gone.
export function connectDiscard(list, endpoint, done) {
  list.addEventListener("click", async ({ target }) => {
    const row = target.closest("button[data-discard]")?.closest("li");
    if (!row || !(await ask(document.getElementById("question"), wordsFor(row)))) return;
    const key = `discard ${row.dataset.id}`;
    const problem = await terminate(endpoint + row.dataset.id);
    drop(key);
    if (problem) return note(key, "error", `${nameOf(row)} wasn't discarded. ${problem}`);
    remove(row);
    done();
  });
}

function remove(row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  const button = next?.querySelector("button[data-discard]:not([hidden])");
  row.remove();
  (button ?? document.getElementById("browse")).focus();
}

function nameOf(row) {
  return row.querySelector("[data-field=filename]").textContent;
}

function wordsFor(row) {
  const received = row.querySelector("[data-field=received]").textContent;
  return {
    title: "Discard this upload?",
    text: `The part of “${nameOf(row)}” received so far (${received}) will be deleted.`,
    no: "Keep it",
    yes: "Discard it",
  };
}
