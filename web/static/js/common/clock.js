// The server's time as this page knows it. Countdowns and the footer read it; nothing else guesses.

let ahead = null; // milliseconds that the server's clock is ahead of ours
let isLive = false;

/** Learn from a message's `server_time`. It was right when sent, so the greatest difference is the truest. */
export function learn(serverTime, { live = false } = {}) {
  const sample = Date.parse(serverTime) - Date.now();
  if (Number.isNaN(sample)) return;
  if (live && !isLive) {
    isLive = true; // the sale's own clock goes before the web server's, by which the page was stamped
    ahead = sample;
  } else if (live === isLive && (ahead === null || sample > ahead)) {
    ahead = sample;
  }
}

/** Forget what was learned: this machine may have slept, or its clock been set. */
export function forget() {
  isLive = false;
}

/** The server's time, in milliseconds since the epoch. */
export function now() {
  return Date.now() + (ahead ?? 0);
}

learn(document.documentElement.dataset.serverTime);
