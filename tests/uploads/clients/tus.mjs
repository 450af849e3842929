// One run of tus-js-client: node tus.mjs <what> <endpoint> <file> [<address>]; prints JSON.
import { createReadStream, statSync } from "node:fs";
import * as tus from "tus-js-client";

const [what, endpoint, file, address] = process.argv.slice(2);
const size = statSync(file).size;
const chunkSize = 1024 * 1024;
const metadata = { filename: "talk.mp3", filetype: "audio/mpeg" };
const statuses = [];
const report = (outcome) => console.log(JSON.stringify({ ...outcome, statuses }));

function upload(options) {
  const { onReady, ...others } = options;
  const made = new tus.Upload(createReadStream(file), {
    endpoint,
    uploadSize: size,
    chunkSize,
    metadata,
    retryDelays: null,
    onAfterResponse: (request, response) => {
      statuses.push(`${request.getMethod()} ${response.getStatus()}`);
    },
    onError: (error) => report({ error: String(error), url: made.url }),
    onSuccess: ({ lastResponse }) =>
      report({ url: made.url, task: lastResponse?.getHeader("X-Task-Id") ?? null }),
    ...others,
  });
  return made;
}

// Stops after some chunks; a stored URL is all that a page keeps over a reload.
function pauseAfter(chunks, terminate) {
  let accepted = 0;
  const made = upload({
    onChunkComplete: async () => {
      accepted += 1;
      if (accepted === chunks) {
        await made.abort(terminate);
        report({ url: made.url });
      }
    },
  });
  made.start();
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
  case "pause":
    pauseAfter(2, false);
    break;
  case "terminate":
    pauseAfter(2, true);
    break;
  case "resume":
    upload({ uploadUrl: address }).start();
    break;
  case "persist":
    upload({
      retryDelays: Array(40).fill(250),
      onShouldRetry: () => true,
      onChunkComplete: (_, accepted) => console.error(`accepted ${accepted}`),
    }).start();
    break;
  default:
    throw new Error(`unknown: ${what}`);
}
