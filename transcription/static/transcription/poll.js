// Polling, except while the tab is hidden.

const GATHER = 150; // milliseconds in which several calls of soon() become one request
const SLOWEST = 15000; // milliseconds between two requests to a site that does not answer

// Calls task() at once and again delay() milliseconds after each end; delay() of null stops it.
// While the tab is hidden there are no calls; when it is shown again, there is one at once. A failed
// task is retried with growing pauses: onFailure(error, wait) is called then, onSuccess() after each
// success. now() calls it at once, soon() once for several calls: nine files that end together cause
// one request.
export function poll(task, delay, { onFailure = () => {}, onSuccess = () => {} } = {}) {
  let timer = null;
  let running = false;
  let stopped = false;
  let isWanted = false; // since soon() was called
  let failures = 0;

  async function run() {
    clearTimeout(timer);
    if (running || stopped || document.hidden) return;
    running = true;
    isWanted = false;
    const error = await failureOf(task);
    running = false;
    if (stopped) return;
    failures = error ? failures + 1 : 0;
    const wait = error ? Math.min(1000 * 2 ** (failures - 1), SLOWEST) : delay();
    if (error) onFailure(error, wait);
    else onSuccess();
    if (wait === null) stop();
    else timer = setTimeout(run, isWanted && !error ? Math.min(GATHER, wait) : wait);
  }

  function soon() {
    if (isWanted || stopped) return;
    isWanted = true;
    if (running) return; // the response on its way may not show the change: once more
    clearTimeout(timer);
    timer = setTimeout(run, GATHER);
  }

  function stop() {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", run);
    removeEventListener("online", run);
  }

  document.addEventListener("visibilitychange", run);
  addEventListener("online", run);
  run();
  return { now: run, soon, stop };
}

async function failureOf(task) {
  try {
    await task();
    return null;
  } catch (error) {
    return error;
  }
}
