// Ask again and again, but not while nobody looks.

// Calls task() at once and again delay() milliseconds after each end; delay() of null stops it.
// While the tab is hidden nothing is asked; when it is shown again, at once.
export function poll(task, delay) {
  let timer = null;
  let running = false;
  let stopped = false;

  async function run() {
    clearTimeout(timer);
    if (running || stopped || document.hidden) return;
    running = true;
    try {
      await task();
    } catch {
      // A failed question is asked again: the site may just be starting anew.
    }
    running = false;
    const wait = delay();
    if (wait === null) stop();
    else if (!stopped) timer = setTimeout(run, wait);
  }

  function stop() {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", run);
  }

  document.addEventListener("visibilitychange", run);
  run();
  return { now: run, stop };
}
