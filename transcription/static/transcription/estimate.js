// Estimates the time left of an upload from its speed in the last seconds.

const WINDOW = 15000; // milliseconds looked back on
const LEAST = 1500; // milliseconds of sending before anything is said

export class Estimate {
  #samples = [];

  // Call with the bytes sent so far, at each update.
  add(bytes, now = Date.now()) {
    const last = this.#samples.at(-1);
    if (last && bytes < last.bytes) this.#samples = []; // some are being sent again
    else if (last && bytes === last.bytes) return;
    this.#samples.push({ bytes, now });
    while (now - this.#samples[0].now > WINDOW && this.#samples.length > 2) this.#samples.shift();
  }

  // After a pause, earlier measurements don't count.
  restart() {
    this.#samples = [];
  }

  // Bytes a second; 0 while that is unknown.
  speed(now = Date.now()) {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || now - first.now < LEAST) return 0;
    return (1000 * (last.bytes - first.bytes)) / (now - first.now);
  }

  // Milliseconds since bytes went out last.
  silence(now = Date.now()) {
    return this.#samples.length ? now - this.#samples.at(-1).now : 0;
  }
}

// "26 s left"; "" if unknown.
export function timeLeft(bytes, speed) {
  if (!speed) return "";
  const seconds = Math.ceil(bytes / speed);
  if (seconds < 60) return `${seconds}\u00a0s left`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes}\u00a0min left`;
  return `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min left`;
}
