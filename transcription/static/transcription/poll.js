// Polling, except while the tab is hidden.

const GATHER = 150; // milliseconds in which several reasons to ask become one question
const SLOWEST = 15000; // milliseconds between two questions to a site that does not answer

// Calls task() at once and again delay() milliseconds after each end; delay() of null stops it.
// While the tab is hidden nothing is asked; when it is shown again, at once. A task that fails is
// tried again ever more slowly: onFailure(error, wait) is called then, onSuccess() after each success.
// now() asks at once, soon() once for all who call it: nine files that end together are one question.
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
    if (running) return; // what changed may not be in the answer that is on its way: once more
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
