// A user of the gateway: its token, its balance and its WebSocket.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { EventEmitter, once } from "node:events";

import WebSocket from "ws";

/** The secret of the tokens. */
export const SECRET = "a-secret-of-the-gateway-in-interop-checks";

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A JWT of the user `sub` for an hour. */
export function token(sub, role = "admin") {
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, role, exp: Math.floor(Date.now() / 1000) + 3_600 })}`;
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`;
}

/** An amount of credits in millionths. */
export const micros = (credits) => Math.round(credits * 1_000_000);

/** A WebSocket of the gateway, opened with `ws`. */
export class GatewaySocket {
  #messages = [];
  #arrivals = new EventEmitter().setMaxListeners(0);

  constructor(socket) {
    this.socket = socket;
    socket.on("message", (data) => {
      this.#messages.push(JSON.parse(data));
      this.#arrivals.emit("message");
    });
  }

  /** Opens a socket of a user, or with the protocols and options of `ws`. */
  static async open(url, user, protocols = [], options = { headers: { Authorization: `Bearer ${token(user)}` } }) {
    const socket = new WebSocket(`${url.replace("http", "ws")}/gateway`, protocols, options);
    const gateway = new GatewaySocket(socket);
    await once(socket, "open");
    gateway.ready = await gateway.next((message) => message.type === "ready");
    return gateway;
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  /** Removes and returns the first message that matches, once it has come. */
  async next(matches) {
    for (;;) {
      const index = this.#messages.findIndex(matches);
      if (index >= 0) return this.#messages.splice(index, 1)[0];
      await once(this.#arrivals, "message");
    }
  }

  /** Sends a request to a model; returns its messages, their text and the last one. */
  async ask(id, model, text, more = {}) {
    this.send({ id, type: "chat", model, messages: [{ role: "user", content: text }], stream: true, ...more });
    return this.answer(id);
  }

  /** Reads the answer to a request until it ends. */
  async answer(id) {
    const messages = [];
    for (;;) {
      const message = await this.next((other) => other.id === id);
      messages.push(message);
      if (message.type !== "done" && message.type !== "error") continue;
      const chunks = messages.filter(({ type }) => type === "chunk");
      const text = chunks.map(({ data }) => data ?? "").join("");
      return { messages, chunks, text: text || (message.data ?? ""), end: message };
    }
  }

  /** Balance and held credits, in millionths. */
  async credits() {
    this.send({ type: "balance" });
    const { balance, held } = await this.next(({ type }) => type === "balance");
    return { balance: micros(balance), held: micros(held) };
  }

  close() {
    this.socket.terminate();
  }
}

/** Asserts that an answer ended with this error. */
export function assertError({ end }, code) {
  assert.equal(end.type, "error", JSON.stringify(end));
  assert.equal(end.error.code, code, JSON.stringify(end));
}
