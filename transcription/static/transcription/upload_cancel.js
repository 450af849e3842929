// Cancels uploads: asks first if bytes were already sent, and deletes those from the site.

import { hasBegun } from "./attempts.js";
import { ask } from "./confirm.js";
import { drop, note } from "./notes.js";
import { terminateWithRetries } from "./terminate.js";
import { size, someOf } from "./text.js";

const KEY = "not deleted";
const OFFLINE = "It is deleted when you are back online.";
const left = new Map(); // names of cancelled files by the addresses that are still on the site

addEventListener("online", () => deleteSent(Array.from(left)));

// Returns a function that cancels files of Uppy; done(files) is called when they left its list.
export function cancelOf(uppy, done) {
  const dialog = document.getElementById("question");
  return async (files) => {
    const open = () => stillOpen(uppy, files);
    const close = () => open().length || dialog.close(); // the upload finished meanwhile
    uppy.on("upload-success", close);
    const agreed = !open().some(isSent) || (await ask(dialog, wordsFor(open())));
    uppy.off("upload-success", close);
    if (agreed && open().length) remove(uppy, open(), done);
  };
}

function stillOpen(uppy, files) {
  const now = files.map(({ id }) => uppy.getFile(id));
  return now.filter((file) => file && !file.progress.uploadComplete);
}

// For an upload that waits to be resumed, the site has not been asked for its offset yet.
function isSent({ id, tus, progress }) {
  return progress.bytesUploaded > 0 || Boolean(tus?.uploadUrl && !hasBegun(id));
}

function remove(uppy, files, done) {
  const sent = files.map((file) => [takeAddress(uppy, file), file.name]);
  uppy.removeFiles(files.map(({ id }) => id));
  done(files);
  deleteSent(sent.filter(([address]) => address));
}

// Uppy deletes only uploads in progress, and does not report failures. Without the address, it leaves
// the deletion to this page.
function takeAddress(uppy, { id, tus }) {
  const upload = uppy.getPlugin("Tus").uploaders[id];
  const address = upload?.url ?? tus?.uploadUrl ?? null;
  if (upload) upload.url = null;
  return address;
}

async function deleteSent(entries) {
  let problem = "";
  for (const [address, name] of entries) {
    const said = await terminateWithRetries(address);
    if (said) left.set(address, name);
    else left.delete(address);
    problem = said || problem;
  }
  if (left.size === 0) return drop(KEY);
  if (!problem) return;
  const next = navigator.onLine ? `${problem} You can discard it in the list below.` : OFFLINE;
  const names = someOf(Array.from(left.values()));
  note(KEY, "error", `${names}: what was sent is still on the site. ${next}`);
}

function wordsFor(files) {
  const [{ name }] = files;
  const several = files.length > 1;
  const sent = files.reduce((sum, { progress }) => sum + (progress.bytesUploaded || 0), 0);
  const amount = sent ? ` (${size(sent)})` : "";
  return {
    title: several ? `Cancel ${files.length} uploads?` : "Cancel this upload?",
    text: several
      ? `What has been sent of them so far${amount} is lost.`
      : `What has been sent of “${name}” so far${amount} is lost.`,
    no: "Keep uploading",
    yes: several ? "Cancel the uploads" : "Cancel the upload",
  };
}
