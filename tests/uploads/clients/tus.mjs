// One run of tus-js-client: node tus.mjs <what> <endpoint> <file> [<more>]; prints JSON.
// The key of the site is in the environment: SITE_KEY.
import { createReadStream, statSync } from "node:fs";
import { Readable } from "node:stream";
import * as tus from "tus-js-client";

const [what, endpoint, file, more] = process.argv.slice(2);
const size = statSync(file).size;
const chunkSize = 1024 * 1024;
const headers = { Authorization: `Bearer ${process.env.SITE_KEY}` };
const metadata = { filename: "talk.mp3", filetype: "audio/mpeg" };
const statuses = [];
const made = [];
const report = (outcome) => console.log(JSON.stringify({ ...outcome, statuses, made }));

// Every answer is retried until the server is back; the test kills it meanwhile.
const stubborn = {
  retryDelays: Array(40).fill(250),
  onShouldRetry: () => true,
  onChunkComplete: (_, accepted) => console.error(`accepted ${accepted}`),
};
// A file in four parts: the client takes its length from the file itself.
const inParts = { parallelUploads: 4, uploadSize: null };

function upload(options, input = createReadStream(file)) {
  const one = new tus.Upload(input, {
    endpoint,
    uploadSize: size,
    chunkSize,
    headers,
    metadata,
    retryDelays: null,
    onAfterResponse: (request, response) => {
      statuses.push(`${request.getMethod()} ${response.getStatus()}`);
      if (response.getStatus() === 201) made.push(response.getHeader("Location"));
    },
    onError: (error) => report({ error: String(error), url: one.url }),
    onSuccess: ({ lastResponse }) =>
      report({ url: one.url, task: lastResponse?.getHeader("X-Task-Id") ?? null }),
    ...options,
  });
  return one;
}

// Stops after some chunks; a stored URL is all that a page keeps over a reload.
function pauseAfter(chunks, terminate, options = {}) {
  let accepted = 0;
  const one = upload({
    onChunkComplete: async () => {
      accepted += 1;
      if (accepted === chunks) {
        await one.abort(terminate);
        report({ url: one.url });
      }
    },
    ...options,
  });
  one.start();
}

// One long request, and while it runs somebody else ends the upload. Retries are the client's own.
function endedMeanwhile() {
  let ended = false;
  const one = upload({
    chunkSize: Number.POSITIVE_INFINITY,
    retryDelays: [0, 100, 200],
    onProgress: (sent) => {
      if (ended || sent === 0) return;
      ended = true;
      tus.Upload.terminate(one.url, { ...one.options, onAfterResponse: null });
    },
  });
  one.start();
}

// What a page does after a reload: it looks up its file in the storage, and goes on.
async function resumeStored(options) {
  const one = upload(options);
  const found = await one.findPreviousUploads();
  if (found.length !== 1) throw new Error(`${found.length} uploads are stored`);
  one.resumeFromPreviousUpload(found[0]);
  one.start();
}

// A source that does not know its end: pieces of any size, one at a time.
async function* pieces() {
  for await (const piece of createReadStream(file, { highWaterMark: 300_007 })) yield piece;
}

switch (what) {
  case "upload":
    upload({}).start();
    break;
  case "upload-with-creation":
    upload({ uploadDataDuringCreation: true }).start();
    break;
  case "override":
    upload({ overridePatchMethod: true }).start();
    break;
  case "parallel":
    upload(inParts).start();
    break;
  case "parallel-with-creation":
    upload({ ...inParts, uploadDataDuringCreation: true }).start();
    break;
  case "deferred":
    upload({ uploadLengthDeferred: true, uploadSize: null }, Readable.from(pieces())).start();
    break;
  case "pause":
    pauseAfter(2, false);
    break;
  case "terminate":
    pauseAfter(2, true);
    break;
  case "ended-meanwhile":
    endedMeanwhile();
    break;
  case "terminate-parts":
    pauseAfter(4, true, { ...inParts, chunkSize: 300_000 });
    break;
  case "pause-stored":
    pauseAfter(2, false, { urlStorage: new tus.FileUrlStorage(more) });
    break;
  case "resume-stored":
    await resumeStored({ urlStorage: new tus.FileUrlStorage(more) });
    break;
  case "pause-parts":
    pauseAfter(8, false, {
      ...inParts,
      chunkSize: 300_000,
      urlStorage: new tus.FileUrlStorage(more),
    });
    break;
  case "resume-parts":
    await resumeStored({ ...inParts, urlStorage: new tus.FileUrlStorage(more) });
    break;
  case "resume":
    upload({ uploadUrl: more }).start();
    break;
  case "persist":
    upload(stubborn).start();
    break;
  case "persist-parts":
    upload({ ...stubborn, ...inParts }).start();
    break;
  case "persist-deferred":
    upload(
      { ...stubborn, uploadLengthDeferred: true, uploadSize: null },
      Readable.from(pieces()),
    ).start();
    break;
  default:
    throw new Error(`unknown: ${what}`);
}
