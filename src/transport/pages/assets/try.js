// The page to try the gateway: one conversation with a model, with the cost of each answer.

import { requestToken, storeToken } from "./gate.js";
import { GatewayClient, loadModels, tokenVerdict } from "./gateway.js";
import { initThemeToggle } from "./theme.js";

/// Where the tab stores the token. Other pages take tokens that may be no user's.
const STORAGE_KEY = "gateway-token";

/// Delay before loading the models again, in milliseconds.
const RETRY_DELAY = 2_000;

const byId = (id) => document.getElementById(id);
const credits = (amount) => Number(amount.toFixed(6)).toLocaleString("en", { maximumFractionDigits: 6 });
const seconds = (millis) => `${Math.max(1, Math.ceil(millis / 1_000))} s`;

function createElement(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.dir = "auto";
  if (text !== undefined) element.textContent = text;
  return element;
}

/// The words for an error of the server.
function explain({ code, message, needed, available, retryAfterMs }) {
  const again = retryAfterMs ? `Try again in ${seconds(retryAfterMs)}.` : "Try again.";
  switch (code) {
    case "INSUFFICIENT_CREDITS":
      return `Not enough credits: this needs at least ${credits(needed)}, and you have ${credits(available)}. Ask the operator for credits, or send a shorter message.`;
    case "TOKEN_EXPIRED":
      return "Your token has expired. Enter a new one, then send the message again.";
    case "DRAINING":
      return "The server is about to restart. Send the message again in a moment.";
    case "PROVIDER_UNAVAILABLE":
    case "PROVIDER_TIMEOUT":
      return `No provider of this model answers. ${again} Another model may answer now.`;
    case "PROVIDER_THROTTLED":
      return `The providers have too many requests. ${again}`;
    case "RATE_LIMITED":
    case "TOO_MANY_REQUESTS":
      return `You have reached a limit of your role. ${again}`;
    case "LEDGER_UNAVAILABLE":
      return `The accounts can't be reached. ${again}`;
    case "STREAM_BROKEN":
      return "The answer broke off. You pay for what came before.";
    case "CANCELLED":
      return "Cancelled.";
    default:
      return message;
  }
}

/// One answer on the page.
class AnswerView {
  #item = createElement("li", "answer");
  #source = createElement("p", "source");
  #thought = createElement("p", "thought");
  #text = createElement("p", "text");

  constructor(log) {
    this.#item.ariaBusy = "true";
    this.#item.append(this.#source, this.#text);
    log.append(this.#item);
  }

  get text() {
    return this.#text.textContent;
  }

  setSource(text) {
    this.#source.textContent = text;
  }

  add({ data, reasoning }) {
    if (reasoning) {
      this.#text.before(this.#thought);
      this.#thought.append(reasoning);
    }
    if (data) this.#text.append(data);
  }

  /// Ends the answer with what it costs, if it costs something, and with the problem, if there is one.
  end(bill, problem) {
    this.#item.ariaBusy = "false";
    if (!this.text) this.#text.remove();
    if (problem) this.#item.append(createElement("p", "problem", problem));
    if (bill) this.#item.append(createElement("p", "bill", bill));
  }
}

class TryPage {
  #client;
  #log = byId("log");
  #text = byId("text");
  #messages = [];
  /// The answer in progress.
  #answer = null;
  #isOpen = false;

  constructor(token, models) {
    byId("model").append(...models.map((model) => new Option(model)));
    byId("talk").hidden = false;
    this.#client = new GatewayClient(token, {
      onConnection: (state) => this.#onConnection(state),
      onMessage: (message) => this.#onMessage(message),
    });
    byId("composer").addEventListener("submit", (event) => this.#onSubmit(event));
    byId("cancel").addEventListener("click", () => this.#cancel());
    byId("restart").addEventListener("click", () => this.#restart());
    byId("renewal").addEventListener("submit", (event) => this.#onRenewal(event));
    this.#text.addEventListener("keydown", (event) => {
      // An input method uses Enter for its own choices.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      byId("composer").requestSubmit();
    });
    this.#update();
    this.#text.focus();
  }

  #update() {
    byId("send").hidden = this.#answer !== null;
    byId("cancel").hidden = this.#answer === null;
    byId("send").disabled = !this.#isOpen;
    byId("cancel").disabled = !this.#isOpen;
    byId("restart").disabled = this.#answer !== null;
  }

  #announce(text) {
    byId("announcement").textContent = text;
  }

  #onConnection(state) {
    this.#isOpen = state === "open";
    const words = { open: "Connected.", lost: "Connection lost. Connecting again…", expired: "Not connected." };
    byId("connection").textContent = words[state];
    if (state === "expired") this.#askForToken("Your token is no longer valid. Enter a new one.");
    this.#update();
  }

  #onMessage(message) {
    switch (message.type) {
      case "ready":
      case "balance":
        return this.#showBalance(message.balance);
      case "accepted":
        return this.#answer?.setSource(`${message.model}, ${message.provider}`);
      case "chunk":
        return this.#addText(message);
      case "notice":
        return this.#onNotice(message);
      case "auth":
        byId("renewal").hidden = true;
        return this.#announce("The new token is in use.");
      case "done":
        return this.#end(message, null);
      case "error":
        return this.#onError(message);
    }
  }

  #onNotice({ kind, provider, model }) {
    if (kind === "failover") this.#answer?.setSource(`${model}, ${provider}, because the provider before did not answer`);
    else if (kind === "token_expiring") this.#askForToken("Your token expires within a minute. Enter a new one.");
    else if (kind === "token_expired") this.#askForToken("Your token has expired. Enter a new one.");
    else if (kind === "draining") byId("connection").textContent = "The server is about to restart.";
  }

  #onError(message) {
    const problem = explain(message.error);
    if (message.id !== undefined && this.#answer) this.#end(message, problem);
    else byId("renewal-reason").textContent = problem;
    if (message.error.code === "TOKEN_EXPIRED") this.#askForToken("Your token has expired. Enter a new one.");
  }

  #addText(message) {
    if (!this.#answer) return;
    const isAtEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    this.#answer.add(message);
    if (isAtEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #end(message, problem) {
    if (!this.#answer) return;
    const bill = this.#bill(message);
    this.#answer.end(bill, problem);
    const text = this.#answer.text;
    if (problem && !text) this.#messages.pop();
    else this.#messages.push({ role: "assistant", content: text });
    this.#answer = null;
    this.#announce([text, problem, bill].filter(Boolean).join(" "));
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#update();
    this.#text.focus();
  }

  /// The cost of an answer in words. `null` if it had no hold.
  #bill({ usage, credits: amounts }) {
    if (!amounts) return null;
    this.#showBalance(amounts.balance);
    const estimated = usage.source === "estimated" && usage.totalTokens > 0 ? ", estimated" : "";
    const tokens = `${usage.promptTokens} tokens in, ${usage.completionTokens} out${estimated}`;
    return `${tokens}: ${credits(amounts.charged)} credits, ${credits(amounts.balance)} left`;
  }

  #showBalance(balance) {
    byId("balance").textContent = `${credits(balance)} credits`;
  }

  #onSubmit(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (!text || this.#answer || !this.#isOpen) return;
    this.#log.append(createElement("li", "question", text));
    this.#messages.push({ role: "user", content: text });
    this.#answer = new AnswerView(this.#log);
    this.#client.ask(byId("model").value, this.#messages);
    this.#text.value = "";
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#announce("The model is answering.");
    this.#update();
  }

  #cancel() {
    if (this.#client.cancel()) byId("cancel").disabled = true;
  }

  #restart() {
    this.#messages = [];
    this.#log.replaceChildren();
    this.#text.focus();
  }

  #askForToken(reason) {
    byId("renewal").hidden = false;
    byId("renewal-reason").textContent = reason;
  }

  async #onRenewal(event) {
    event.preventDefault();
    const token = byId("renewed").value.trim();
    const verdict = await tokenVerdict(token).catch(() => "The server is not responding. Try again.");
    if (verdict !== true) {
      byId("renewal-reason").textContent = verdict;
      return byId("renewed").select();
    }
    byId("renewed").value = "";
    storeToken(token, STORAGE_KEY);
    if (!this.#client.isOpen()) byId("renewal").hidden = true;
    this.#client.renew(token);
    this.#text.focus();
  }
}

initThemeToggle(byId("theme"));
const token = await requestToken(tokenVerdict, { key: STORAGE_KEY, fromAddress: false });
let models = null;
while (models === null) {
  models = await loadModels(token).catch(() => null);
  if (models === null) await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
}
new TryPage(token, models);
