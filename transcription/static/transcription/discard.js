// To discard an interrupted upload asks first.

import { answer, csrfToken, statusSentence } from "./api.js";
import { ask } from "./confirm.js";
import { drop, note } from "./notes.js";

// Connects the buttons of the list of unfinished uploads; done() is called when one is gone.
export function connectDiscard(list, endpoint, done) {
  list.addEventListener("click", async ({ target }) => {
    const row = target.closest("button[data-discard]")?.closest("li");
    if (!row || !(await ask(document.getElementById("question"), wordsFor(row)))) return;
    const key = `discard ${row.dataset.id}`;
    const problem = await problemWith(endpoint + row.dataset.id);
    drop(key);
    if (problem) return note(key, "error", `${nameOf(row)} was not discarded. ${problem}`);
    remove(row);
    done();
  });
}

async function problemWith(address) {
  const headers = { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrfToken() };
  try {
    const { ok, status } = await answer(address, { method: "DELETE", headers });
    return ok || status === 404 || status === 410 ? "" : statusSentence(status);
  } catch (error) {
    return error.message;
  }
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
    text: `What has arrived of “${nameOf(row)}” so far (${received}) is deleted.`,
    no: "Keep it",
    yes: "Discard it",
  };
}
