// The options chosen for recordings, kept in the browser for the next ones.

const STORED = "transcripts-options";
const CROSSED = "Number of speakers: the minimum must not exceed the maximum.";
const NO_NUMBER = "Number of speakers: enter a whole number from 1 to 99, or leave it empty.";

// Connects all options within root. With remember, what was chosen before is chosen again; the
// options that a site no longer offers are ignored.
export function connectOptions(root, { remember = false } = {}) {
  if (remember) restore(root);
  root.addEventListener("input", () => updateSpeakers(root));
  root.addEventListener("change", ({ target }) => {
    updateSpeakers(root);
    if (remember && target.matches("[data-option]")) store(target);
  });
  updateSpeakers(root);
}

// The options by the names that uploads have for them.
export function chosenOptions(root) {
  const fields = Array.from(root.querySelectorAll("[data-option]"));
  return Object.fromEntries(fields.map((field) => [field.dataset.option, valueOf(field)]));
}

// What is wrong with the options, as a sentence; empty if nothing is. Puts the cursor there.
export function optionsProblem(root) {
  const wrong = root.querySelector("[data-option][aria-invalid=true]:enabled");
  wrong?.focus();
  return wrong?.validationMessage ?? "";
}

function valueOf(field) {
  if (field.disabled) return "";
  if (field.type === "checkbox") return field.checked ? field.value : field.dataset.off;
  return field.value;
}

// Shows and validates the numbers of speakers: they belong to their switch, and the minimum must not
// exceed the maximum.
function updateSpeakers(root) {
  for (const governor of root.querySelectorAll("[data-governs]")) {
    const governed = document.getElementById(governor.dataset.governs);
    governed.hidden = !governor.checked;
    const [least, most] = governed.querySelectorAll("input");
    for (const field of [least, most]) {
      field.disabled = !governor.checked;
      field.setCustomValidity("");
      if (!field.validity.valid) field.setCustomValidity(NO_NUMBER);
    }
    const crossed = least.value && most.value && Number(least.value) > Number(most.value);
    if (crossed && most.validity.valid) most.setCustomValidity(CROSSED);
    showProblem(governed, [least, most]);
  }
}

function showProblem(place, fields) {
  const wrong = fields.filter((field) => !field.disabled && !field.validity.valid);
  for (const field of fields) field.setAttribute("aria-invalid", wrong.includes(field));
  const error = place.querySelector("[data-error]");
  const sentence = wrong[0]?.validationMessage ?? "";
  if (error.textContent !== sentence) error.textContent = sentence;
  error.hidden = !sentence;
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch {
    return {}; // storage is blocked, or has something else under this key
  }
}

function store(field) {
  const kept = { ...stored(), [field.dataset.option]: valueOf(field) };
  try {
    localStorage.setItem(STORED, JSON.stringify(kept));
  } catch {
    // Without storage, the defaults are offered next time.
  }
}

function restore(root) {
  for (const [name, value] of Object.entries(stored())) {
    const field = root.querySelector(`[data-option="${CSS.escape(name)}"]`);
    if (!field || typeof value !== "string") continue;
    if (field.type === "checkbox") field.checked = value === field.value;
    else if (field.tagName !== "SELECT") field.value = value;
    else if (Array.from(field.options).some((option) => option.value === value)) field.value = value;
  }
}
