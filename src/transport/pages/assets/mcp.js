// A client of the Model Context Protocol over a WebSocket: calls tools, answers pings, hands on
// notifications, and connects again when the connection is lost.

const PATIENCE = 15_000;
const LONGEST_PAUSE = 10_000;

/// A browser can set no header on a WebSocket, so the token goes among its protocols, in hex.
const in_hex = (text) =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Client {
  #token;
  #socket = null;
  #next = 1;
  #pending = new Map();
  #failures = 0;

  /// `on` has `open` (after each time it connected), `closed`, and `told(method, params)`.
  constructor(token, on) {
    this.#token = token;
    this.on = on;
    this.#connect();
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/mcp/ws`, ["mcp", `mcp.bearer.${in_hex(this.#token)}`]);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#introduce());
    socket.addEventListener("message", (event) => this.#heard(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.#lost());
  }

  async #introduce() {
    try {
      await this.#request("initialize", {
        protocolVersion: "2025-06-18",
        capabilities: {},
        clientInfo: { name: "playground", version: "1" },
      });
      this.#write({ method: "notifications/initialized" });
      this.#failures = 0;
      await this.on.open();
    } catch {
      this.#socket.close();
    }
  }

  #lost() {
    for (const { reject } of this.#pending.values()) reject(new Error("Connection lost."));
    this.#pending.clear();
    this.on.closed();
    const pause = Math.min(300 * 2 ** this.#failures, LONGEST_PAUSE);
    this.#failures += 1;
    setTimeout(() => this.#connect(), pause);
  }

  #write(message) {
    this.#socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  #heard(message) {
    if (message.method && message.id !== undefined) {
      // The answer to a ping acknowledges the notifications before it.
      if (message.method === "ping") this.#write({ id: message.id, result: {} });
      else this.#write({ id: message.id, error: { code: -32601, message: "Unknown method." } });
    } else if (message.method) {
      this.on.told(message.method, message.params ?? {});
    } else {
      const waiting = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.error) waiting?.reject(new Error(message.error.message));
      else waiting?.resolve(message.result);
    }
  }

  #request(method, params) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) throw new Error("Not connected.");
      const timer = setTimeout(() => reject(new Error("The request timed out.")), PATIENCE);
      const done = (how) => (value) => {
        clearTimeout(timer);
        how(value);
      };
      this.#pending.set(id, { resolve: done(resolve), reject: done(reject) });
      this.#write({ id, method, params });
    });
  }

  is_open() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /// What a tool answers; an error when it refuses.
  async call(name, args) {
    const result = await this.#request("tools/call", { name, arguments: args });
    const text = result.content?.map((block) => block.text ?? "").join("") ?? "";
    if (result.isError) throw new Error(text);
    return result.structuredContent ?? text;
  }
}
