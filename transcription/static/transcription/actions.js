// Cancel, run again, delete. Without this script the same forms are posted by the browser.

import { postForm } from "./api.js";
import { confirmed } from "./confirm.js";
import { connectOptions } from "./options.js";

function openRerun() {
  const details = document.getElementById("rerun");
  details.open = true;
  details.querySelector("select, button").focus();
}

// done() is called when an action has changed the job, to refresh the page.
export function watchActions(article, done) {
  article.querySelector("a[href='#rerun']")?.addEventListener("click", openRerun);
  const rerun = document.getElementById("rerun");
  if (rerun) connectOptions(rerun);
  for (const form of article.querySelectorAll("form[data-action]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(form, done);
    });
  }
}

async function act(form, done) {
  const button = form.querySelector("button[type=submit]");
  const dialog = document.getElementById(form.dataset.confirm);
  if (dialog && !(await confirmed(dialog))) return;
  const label = button.textContent;
  button.disabled = true;
  button.textContent = form.dataset.busy;
  try {
    const next = await postForm(form.action, new FormData(form));
    await follow(next, form.dataset.action, done);
  } catch (error) {
    complain(error.message);
    button.disabled = false;
    button.textContent = label;
  }
}

async function follow(next, action, done) {
  const target = new URL(next ?? (action === "delete" ? "/" : location.href), location.href);
  if (target.pathname === location.pathname) await done();
  else location.assign(target);
}

function complain(message) {
  const place = document.getElementById("action-error");
  place.textContent = message;
  place.hidden = false;
}
