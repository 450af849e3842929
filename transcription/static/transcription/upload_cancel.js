// To cancel an upload asks first, where something of it was sent already.

import { ask } from "./confirm.js";
import { size } from "./text.js";

// Returns what cancels a file, or all of them for null; remove(file) takes one away for good.
export function cancelOf(uppy, remove) {
  const dialog = document.getElementById("question");
  const isOpen = ({ id }) => uppy.getFile(id) && !uppy.getFile(id).progress.uploadComplete;
  return async (one) => {
    const files = (one ? [one] : uppy.getFiles()).filter(isOpen);
    const sent = files.reduce((sum, { progress }) => sum + (progress.bytesUploaded || 0), 0);
    const close = () => files.some(isOpen) || dialog.close(); // it has arrived meanwhile
    uppy.on("upload-success", close);
    const agreed = sent === 0 || (await ask(dialog, wordsFor(files, sent)));
    uppy.off("upload-success", close);
    if (agreed) files.filter(isOpen).forEach(remove);
  };
}

function wordsFor(files, sent) {
  const [{ name }] = files;
  const several = files.length > 1;
  return {
    title: several ? `Cancel ${files.length} uploads?` : "Cancel this upload?",
    text: several
      ? `What has been sent of them so far (${size(sent)}) is lost.`
      : `What has been sent of “${name}” so far (${size(sent)}) is lost.`,
    no: "Keep uploading",
    yes: several ? "Cancel the uploads" : "Cancel the upload",
  };
}
