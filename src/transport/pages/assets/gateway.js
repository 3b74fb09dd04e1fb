// A client of the gateway's WebSocket: sends requests, passes the messages of the server on, and after a lost connection
// connects again and reads the answer in progress on.

/// Delays before connecting again, in milliseconds.
const FIRST_DELAY = 300;
const MAX_DELAY = 10_000;

/// Close codes: the token has expired, and the client has read too slowly.
const TOKEN_ENDED = 4401;
const SLOW_READER = 4408;

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/// A key that no other request has. `crypto.randomUUID` is missing on pages that came over plain HTTP.
const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/// Whether a WebSocket can send the token, which is the name of a subprotocol there.
const isProtocolName = (token) => /^[\w!#$%&'*+.^`|~-]+$/.test(token);

/// The reason for the user that a token is not accepted.
class TokenRefused extends Error {}

/// Loads the names of the models that the owner of a token may use.
export async function loadModels(token) {
  const response = await fetch("/v1/models", { headers: bearer(token), cache: "no-store" });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new TokenRefused(body.error?.message ?? "The server does not accept this token.");
  return body.data.map((model) => model.id);
}

/// Resolves to true if a token is accepted, and else to the reason for the user. Rejects while the server is away.
export async function tokenVerdict(token) {
  if (!isProtocolName(token)) return "A browser can't send a token with these characters.";
  try {
    await loadModels(token);
    return true;
  } catch (error) {
    if (error instanceof TokenRefused) return error.message;
    throw error;
  }
}

export class GatewayClient {
  #token;
  #handlers;
  #socket = null;
  #session = null;
  #failures = 0;
  #nextId = 1;
  /// The request in progress: its message, the number of its last message, and whether the server has it.
  #request = null;

  /// `handlers` has `onConnection(state)` with `open`, `lost` or `expired`, and `onMessage(message)`.
  constructor(token, handlers) {
    this.#token = token;
    this.#handlers = handlers;
    this.#connect();
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const protocols = ["gateway.v1", `bearer.${this.#token}`];
    const socket = new WebSocket(`${scheme}://${location.host}/gateway`, protocols);
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#onMessage(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => this.#onClose(event.code));
  }

  #onMessage(message) {
    if (message.type === "ready") {
      this.#failures = 0;
      this.#handlers.onConnection("open");
      const request = this.#request;
      // A request without an answer may not have arrived. Its key keeps it from being answered twice.
      if (request?.seq > 0) this.#write({ type: "resume", id: request.message.id, session: request.session, after: request.seq });
      else if (request) this.#write(request.message);
      this.#session = message.session;
      if (request && request.seq === 0) request.session = message.session;
    }
    const isOwn = this.#request !== null && message.id === this.#request.message.id;
    // The answer before may have ended while the server read the message that cancels it.
    if (message.id !== undefined && !isOwn) return;
    if (isOwn && message.seq !== undefined) this.#request.seq = message.seq;
    const isEnd = message.type === "done" || message.type === "error";
    if (isOwn && isEnd) this.#request = null;
    this.#handlers.onMessage(message);
  }

  async #onClose(code) {
    if (code === TOKEN_ENDED) return this.#handlers.onConnection("expired");
    this.#handlers.onConnection("lost");
    const delay = code === SLOW_READER ? 0 : Math.min(FIRST_DELAY * 2 ** this.#failures, MAX_DELAY);
    this.#failures += 1;
    await new Promise((resolve) => setTimeout(resolve, delay));
    // A browser does not say why a server refuses a socket. Only an answer of the server shows that it is the token.
    const response = await fetch("/v1/models", { headers: bearer(this.#token), cache: "no-store" }).catch(() => null);
    if (response?.status === 401) this.#handlers.onConnection("expired");
    else this.#connect();
  }

  #write(message) {
    this.#socket.send(JSON.stringify(message));
  }

  isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /// Asks a model, with the whole conversation.
  ask(model, messages) {
    const message = { id: this.#nextId++, type: "chat", provider: "auto", model, messages, stream: true, idempotencyKey: randomKey() };
    this.#request = { message, seq: 0, session: this.#session };
    if (this.isOpen()) this.#write(message);
  }

  /// Cancels the request in progress. Returns whether the server is asked to.
  cancel() {
    if (this.#request === null || !this.isOpen()) return false;
    this.#write({ type: "cancel", id: this.#request.message.id });
    return true;
  }

  /// Replaces the token. The server answers on an open connection; otherwise this connects again.
  renew(token) {
    this.#token = token;
    if (this.isOpen()) this.#write({ type: "auth", token });
    else this.#connect();
  }
}
