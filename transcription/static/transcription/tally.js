// Counts the files of a batch, and writes the note about its result.

import { drop, note } from "./notes.js";

const KEY = "uploaded";
const NOTHING = { total: 0, uploaded: 0, refused: 0, bytes: 0, sent: 0, name: "", task: "" };
const ENDS = {
  completed: ["done", "is transcribed.", "Open the transcript"],
  warnings: ["done", "is transcribed, with warnings.", "Open the transcript"],
  failed: ["error", "is uploaded, but couldn't be transcribed.", "See why"],
  cancelled: ["wait", "is uploaded. Its transcription was cancelled.", "Open it"],
};
let batch = { ...NOTHING };
let followed = null; // { task, name } of the recording whose note is updated when its job ends

// Adds files to the batch; isBusy: earlier files are still in progress, and belong to the same batch.
export function expect(files, isBusy) {
  if (!isBusy) {
    batch = { ...NOTHING };
    drop(KEY);
  }
  batch.total += files.length;
  batch.bytes += files.reduce((sum, { size }) => sum + (size ?? 0), 0);
}

export function uploaded(file, task) {
  batch.uploaded += 1;
  batch.sent += file.size ?? 0;
  Object.assign(batch, { name: file.name, task });
}

export function refused(file) {
  batch.refused += 1;
  batch.bytes -= file?.size ?? 0;
}

export function cancelled(file) {
  batch.total -= 1;
  batch.bytes -= file.size ?? 0;
}

// The progress of the batch, including uploaded files that left the list.
export function progress() {
  return batch;
}

// Writes the note when no upload is in progress; failed: files that wait for another try.
export function tell(failed) {
  const { total, uploaded: count, refused: no, name, task } = batch;
  followed = null;
  drop(KEY);
  if (total === 1 && count === 1) return follow({ name, task });
  if (total < 2 || count + no + failed === 0) return;
  if (count === total) return note(KEY, "done", `${count} recordings are uploaded.`);
  const parts = [`${count} of ${total} uploaded`];
  if (no) parts.push(`${no} refused`);
  if (failed) parts.push(`${failed} failed`);
  note(KEY, "wait", `${parts.join(", ")}.`);
}

function follow(one) {
  followed = one;
  const link = { href: `/jobs/${one.task}`, label: "Watch its progress" };
  note(KEY, "done", `${one.name} is uploaded.`, link);
}

// Called with the list of jobs: the transcript is offered when there is one.
export function followUp(jobs) {
  const job = followed && jobs.find(({ id }) => id === followed.task);
  if (!job || ["queued", "processing"].includes(job.state)) return;
  const [kind, words, label] = ENDS[job.state] ?? ENDS.completed;
  note(KEY, kind, `${followed.name} ${words}`, { href: job.url, label });
  followed = null;
}
