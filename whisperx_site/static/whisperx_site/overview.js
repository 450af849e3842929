// Renews the front page's figures while somebody may be looking at them.
const EVERY = 10_000; // milliseconds

const overview = document.getElementById("overview");

async function renew() {
  // Neither what is read with the keyboard nor what is marked may disappear.
  const isUsed = overview.contains(document.activeElement) || !document.getSelection().isCollapsed;
  if (document.hidden || isUsed) return;
  const answer = await fetch(overview.dataset.source, { headers: { Accept: "text/html" } });
  // After a logout there is a login page instead, at another address.
  if (answer.ok && !answer.redirected) overview.innerHTML = await answer.text();
}

setInterval(() => renew().catch(() => {}), EVERY); // the next one may succeed
