// An MCP client over a WebSocket: calls tools, answers pings, reports notifications, and reconnects
// when the connection is lost.

/// Time limit of a request and maximum delay before a reconnect, in milliseconds.
const REQUEST_TIMEOUT = 15_000;
const MAX_RECONNECT_DELAY = 10_000;

/// Encodes the token for the list of subprotocols, the only WebSocket header a browser can set.
const toHex = (text) =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");

/// Whether the server accepts calls with this token. Other tokens may open only other routes.
export async function isAccepted(token) {
  const response = await fetch("/mcp", {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: 0, method: "ping" }),
    cache: "no-store",
  });
  return response.status !== 401;
}

export class Client {
  #token;
  #handlers;
  #socket = null;
  #nextId = 1;
  #pending = new Map();
  #failures = 0;

  /// `handlers` has `onOpen` (called after each connect), `onClose`, and
  /// `onNotification(method, params)`.
  constructor(token, handlers) {
    this.#token = token;
    this.#handlers = handlers;
    this.#connect();
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/mcp/ws`, ["mcp", `mcp.bearer.${toHex(this.#token)}`]);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#initialize());
    socket.addEventListener("message", (event) => this.#onMessage(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.#onClose());
  }

  async #initialize() {
    try {
      await this.#request("initialize", {
        protocolVersion: "2025-06-18",
        capabilities: {},
        clientInfo: { name: "playground", version: "1" },
      });
      this.#write({ method: "notifications/initialized" });
      this.#failures = 0;
      await this.#handlers.onOpen();
    } catch {
      this.#socket.close();
    }
  }

  #onClose() {
    for (const { reject } of this.#pending.values()) reject(new Error("Connection lost."));
    this.#pending.clear();
    this.#handlers.onClose();
    const delay = Math.min(300 * 2 ** this.#failures, MAX_RECONNECT_DELAY);
    this.#failures += 1;
    setTimeout(() => this.#connect(), delay);
  }

  #write(message) {
    this.#socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  #onMessage(message) {
    if (message.method && message.id !== undefined) {
      // The answer to a ping acknowledges the notifications before it.
      if (message.method === "ping") this.#write({ id: message.id, result: {} });
      else this.#write({ id: message.id, error: { code: -32601, message: "Unknown method." } });
    } else if (message.method) {
      this.#handlers.onNotification(message.method, message.params ?? {});
    } else {
      const request = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.error) request?.reject(new Error(message.error.message));
      else request?.resolve(message.result);
    }
  }

  #request(method, params) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) throw new Error("Not connected.");
      const timer = setTimeout(() => reject(new Error("The request timed out.")), REQUEST_TIMEOUT);
      const settle = (callback) => (value) => {
        clearTimeout(timer);
        callback(value);
      };
      this.#pending.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#write({ id, method, params });
    });
  }

  isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /// Calls a tool and resolves to its result. Rejects with the tool's message if the tool fails.
  async call(name, args) {
    const result = await this.#request("tools/call", { name, arguments: args });
    const text = result.content?.map((block) => block.text ?? "").join("") ?? "";
    if (result.isError) throw new Error(text);
    return result.structuredContent ?? text;
  }
}
