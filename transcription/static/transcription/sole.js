// Only one tab may resume the uploads of the last visit: two would send the same file twice.

const NAME = "transcripts-uploads";
const PATIENCE = 300; // milliseconds to wait for the answer of another tab

// Resolves to true in the first tab, and keeps that place until the tab is closed or reloaded.
export function isSoleTab() {
  return navigator.locks ? holdLock() : askOthers();
}

function holdLock() {
  return new Promise((resolve) => {
    navigator.locks.request(NAME, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    });
  });
}

// Locks exist in secure contexts only; a site on a home network has none.
function askOthers() {
  const channel = new BroadcastChannel(NAME);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      channel.onmessage = ({ data }) => data === "anybody?" && channel.postMessage("here");
      resolve(true);
    }, PATIENCE);
    channel.onmessage = ({ data }) => {
      if (data !== "here") return;
      clearTimeout(timer);
      channel.close();
      resolve(false);
    };
    channel.postMessage("anybody?");
  });
}
