// The notifications that an agent has received and not read yet.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

/** Time limit for a notification, in milliseconds. */
const TIMEOUT = 15_000;

export class Mailbox {
  #received = [];
  #wake = () => {};

  put({ method, params }) {
    this.#received.push({ method, params });
    this.#wake();
  }

  /** Waits for the next notification, which must have this method; returns its parameters. */
  async next(method) {
    if (this.#received.length === 0) {
      const arrival = new Promise((wake) => (this.#wake = wake));
      const late = delay(TIMEOUT, undefined, { ref: false });
      await Promise.race([arrival, late.then(() => assert.fail(`no ${method} in time`))]);
    }
    const notification = this.#received.shift();
    assert.equal(notification.method, method, JSON.stringify(notification));
    return notification.params;
  }
}
