// Phones side by side. Each phone is a separate user: an MCP client with an unguessable id. Phones
// learn about each other only through the server.

import { requestToken } from "./gate.js";
import { Client, isAccepted } from "./mcp.js";
import { initThemeToggle } from "./theme.js";

const STORAGE_KEY = "phones";
const MAX_PHONES = 4;
/// Time that a typing indicator is shown, and interval of its repeats, in milliseconds.
const TYPING_SHOWN_FOR = 5_000;
const TYPING_INTERVAL = 2_500;

const byId = (id) => document.getElementById(id);
const randomId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function createElement(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/// Appends a text to an element and marks hidden parts. In the server's texts, asterisks set bold.
function appendText(element, text, isFromServer) {
  const parts = isFromServer ? /(\[hidden\]|\*[^*\n]+\*)/ : /(\[hidden\])/;
  for (const part of text.split(parts)) {
    if (part === "[hidden]") element.append(createElement("mark", "", "hidden"));
    else if (isFromServer && /^\*[^*]+\*$/.test(part)) element.append(createElement("strong", "", part.slice(1, -1)));
    else element.append(part);
  }
}

let commands = [];
let phones = [];

/// Loads the commands from the server's help text.
async function loadCommands(client) {
  if (commands.length) return;
  const help = await client.call("help", {});
  commands = [...help.matchAll(/^\*#(\w+)\*[^:]*?(?: [^:*]+)?: (.+)$/gm)].map(([, name, description]) => ({
    name: `#${name}`,
    description,
  }));
}

class Phone {
  constructor(token, id, number) {
    this.id = id;
    this.number = number;
    this.roomId = null;
    this.unread = 0;
    this.seenMessageIds = new Set();
    this.unseenTicks = [];
    this.outgoing = [];
    this.typingSentAt = 0;
    this.root = byId("phone").content.firstElementChild.cloneNode(true);
    const find = (selector) => this.root.querySelector(selector);
    [this.log, this.input, this.list] = [find(".log"), find(".text"), find(".suggestions")];
    this.root.setAttribute("aria-label", `Phone ${number}`);
    this.log.setAttribute("aria-label", `Messages on phone ${number}`);
    find(".phone-name").textContent = `Phone ${number}`;
    find(".unseen").textContent = `Message on phone ${number}`;
    find(".unseen").htmlFor = this.input.id = `text-${number}`;
    this.list.id = `suggestions-${number}`;
    this.list.setAttribute("aria-label", "Commands");
    this.input.setAttribute("aria-controls", this.list.id);
    this.input.placeholder = "Message or #command";
    this.tab = createElement("button", "tab", `Phone ${number}`);
    this.tab.type = "button";
    this.tab.addEventListener("click", () => this.activate(true));
    find(".composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.input.value);
    });
    this.input.addEventListener("input", () => this.onInput());
    this.input.addEventListener("keydown", (event) => this.onKeydown(event));
    this.root.addEventListener("focusin", () => this.activate(false));
    // Suggestions and on-screen keyboards shrink the log. Scrolling keeps the last message visible.
    new ResizeObserver(() => this.log.scrollTo({ top: this.log.scrollHeight, behavior: "instant" })).observe(this.log);
    byId("phones").append(this.root);
    byId("tabs").append(this.tab);
    this.setState({ status: "idle" });
    this.showHints();
    this.client = new Client(token, {
      onOpen: () => this.resume(),
      onClose: () => this.setStatus("Connecting…"),
      onNotification: (method, params) => this.onNotification(method, params),
    });
  }

  /// Makes this the active phone, the only one that a narrow screen shows.
  activate(focus) {
    for (const phone of phones) {
      phone.root.classList.toggle("active", phone === this);
      phone.tab.setAttribute("aria-pressed", String(phone === this));
    }
    this.setUnread(0);
    if (focus) this.input.focus();
  }

  setUnread(unread) {
    this.unread = unread;
    const badge = this.root.querySelector(".badge");
    badge.hidden = unread === 0;
    badge.textContent = unread;
    badge.setAttribute("aria-label", `${unread} unread`);
    this.tab.textContent = unread ? `Phone ${this.number} (${unread})` : `Phone ${this.number}`;
  }

  setStatus(text) {
    this.root.querySelector(".status").textContent = text;
  }

  /// Shows the user's status, partner and queue position.
  setState({ status, room_id: roomId, partner, position }) {
    this.roomId = status === "matched" ? roomId : null;
    const name = this.roomId ? partner.display_name : "No partner yet";
    this.root.querySelector(".partner").textContent = name;
    this.root.querySelector(".avatar").textContent = this.roomId ? name.replace(/^User_/, "").slice(0, 1) : "?";
    const place = position ? `, place ${position}` : "";
    this.defaultStatus = { matched: "connected", waiting: `looking for a partner${place}` }[status] ?? "not in a chat";
    this.setStatus(this.defaultStatus);
    if (!this.roomId) this.showTyping(false);
  }

  /// After each connect: shows missed notifications and sends what is still outgoing.
  async resume() {
    const state = await this.client.call("rejoin", { user_id: this.id });
    for (const event of state.missed) this.onNotification(event.type, event);
    this.setState(state);
    await loadCommands(this.client);
    this.flush();
  }

  onNotification(method, params) {
    if (params.message_id && this.seenMessageIds.has(params.message_id)) return;
    this.seenMessageIds.add(params.message_id);
    if (method === "chatroom.found") {
      this.setState({ status: "matched", ...params });
      const common = params.common_interests?.length ? ` You both like: ${params.common_interests.join(", ")}.` : "";
      this.appendBubble("system", `🎉 You're now chatting with ${params.partner.display_name}.${common} Say hello!`);
      if (params.notice) this.appendBubble("system", params.notice);
      this.countUnread();
    } else if (method === "message.received") {
      this.showTyping(false);
      this.markSeen();
      this.appendBubble("theirs", params.message, params.timestamp);
      this.countUnread();
    } else if (method === "room.notice") {
      this.appendBubble("system", params.text);
      this.countUnread();
    } else if (method === "partner.typing") {
      if (params.typing) this.markSeen();
      this.showTyping(params.typing);
    } else if (method === "partner.disconnected") {
      this.setState({ status: "idle" });
      const text = params.reason === "timeout" ? "Your partner timed out." : "Your partner left the chat.";
      this.appendBubble("system", text);
      this.showHints();
      this.countUnread();
    } else if (method === "operator.notice") {
      this.appendBubble("system", `📢 ${params.message}`);
      this.countUnread();
    }
  }

  countUnread() {
    if (document.hidden || !this.root.classList.contains("active")) this.setUnread(this.unread + 1);
  }

  /// Marks sent messages as seen, because a partner who answers or types has read them.
  markSeen() {
    for (const ticks of this.unseenTicks.splice(0)) {
      ticks.classList.add("seen");
      ticks.setAttribute("aria-label", "seen");
    }
  }

  /// Shows or hides the partner's typing indicator.
  showTyping(isTyping) {
    clearTimeout(this.typingTimer);
    this.log.querySelector(".dots")?.remove();
    this.setStatus(isTyping ? "typing…" : this.defaultStatus);
    if (!isTyping) return;
    const dots = createElement("div", "bubble theirs dots");
    dots.setAttribute("aria-label", "typing");
    dots.append(createElement("i"), createElement("i"), createElement("i"));
    this.append(dots);
    this.typingTimer = setTimeout(() => this.showTyping(false), TYPING_SHOWN_FOR);
  }

  append(element) {
    this.log.querySelector(".hints")?.remove();
    this.log.append(element);
    this.log.scrollTop = this.log.scrollHeight;
    return element;
  }

  appendBubble(kind, text, at = Date.now()) {
    const bubble = createElement("div", `bubble ${kind}`);
    const isFromServer = kind === "system";
    appendText(bubble, text, isFromServer);
    if (isFromServer) return this.append(bubble);
    const foot = createElement("div", "foot");
    foot.append(createElement("time", "", new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })));
    bubble.append(foot);
    return this.append(bubble);
  }

  /// Offers the commands that are useful outside a chat.
  showHints() {
    this.log.querySelector(".hints")?.remove();
    const hints = createElement("div", "hints");
    for (const command of ["#meet", "#help"]) {
      const button = createElement("button", "", command);
      button.type = "button";
      button.addEventListener("click", () => this.send(command));
      hints.append(button);
    }
    this.log.append(hints);
  }

  send(input) {
    const text = input.trim();
    if (!text) return;
    this.input.value = "";
    this.updateSuggestions();
    this.typingSentAt = 0;
    const bubble = this.appendBubble(text.startsWith("#") ? "mine command" : "mine", text);
    this.outgoing.push({ text, bubble, messageId: randomId() });
    this.flush();
  }

  /// Sends outgoing messages in order. After a lost connection a message is sent again under the
  /// same id, because the server executes each id once.
  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    while (this.outgoing.length) {
      const { text, bubble, messageId } = this.outgoing[0];
      try {
        const reply = await this.client.call("say", { user_id: this.id, message: text, message_id: messageId });
        this.outgoing.shift();
        this.onReply(reply, bubble);
      } catch (error) {
        if (!this.client.isOpen()) break;
        this.outgoing.shift();
        this.appendBubble("system", `⚠️ ${error.message}`);
      }
    }
    this.flushing = false;
  }

  /// Shows the reply to the message in `bubble`.
  onReply({ told: reply, sent, ...state }, bubble) {
    this.setState(state);
    if (sent) {
      const foot = bubble.querySelector(".foot");
      if (sent.hidden) foot.prepend(createElement("span", "lock", "🔒 number hidden"));
      const isPushed = sent.delivered === "pushed";
      const ticks = createElement("span", "ticks", isPushed ? "✓✓" : "✓");
      ticks.setAttribute("role", "img");
      ticks.setAttribute("aria-label", isPushed ? "delivered" : "sent");
      foot.append(ticks);
      this.unseenTicks.push(ticks);
    } else if (reply) {
      this.appendBubble("system", reply);
      if (state.status === "idle") this.showHints();
    }
  }

  onInput() {
    this.updateSuggestions();
    const now = Date.now();
    const isMessage = this.roomId && this.input.value.trim() && !this.input.value.startsWith("#");
    if (!isMessage || now - this.typingSentAt < TYPING_INTERVAL) return;
    this.typingSentAt = now;
    // A lost typing notification does no harm, so errors are ignored.
    this.client.call("set_typing", { room_id: this.roomId, user_id: this.id, typing: true }).catch(() => {});
  }

  /// Suggests the commands that start with the input.
  updateSuggestions() {
    const prefix = this.input.value.toLowerCase();
    this.suggest(prefix.startsWith("#") ? commands.filter(({ name }) => name.startsWith(prefix) && name !== prefix) : []);
  }

  suggest(suggestions) {
    this.list.replaceChildren(
      ...suggestions.map((command, index) => {
        const option = createElement("li", "", command.name);
        option.id = `${this.list.id}-${index}`;
        option.role = "option";
        option.dataset.name = command.name;
        option.append(createElement("span", "", command.description));
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          this.choose(option);
        });
        return option;
      }),
    );
    this.list.hidden = suggestions.length === 0;
    this.input.setAttribute("aria-expanded", String(suggestions.length > 0));
    this.select(suggestions.length ? this.list.firstElementChild : null);
  }

  select(option) {
    for (const child of this.list.children) child.setAttribute("aria-selected", String(child === option));
    this.input.setAttribute("aria-activedescendant", option?.id ?? "");
    option?.scrollIntoView({ block: "nearest" });
    this.selected = option;
  }

  choose(option) {
    this.input.value = option.dataset.name;
    this.updateSuggestions();
    this.input.focus();
  }

  onKeydown(event) {
    if (this.list.hidden) return;
    const { selected, list } = this;
    if (event.key === "ArrowDown") this.select(selected?.nextElementSibling ?? list.firstElementChild);
    else if (event.key === "ArrowUp") this.select(selected?.previousElementSibling ?? list.lastElementChild);
    else if (event.key === "Tab") this.choose(selected);
    else if (event.key === "Escape") this.suggest([]);
    else return;
    event.preventDefault();
  }
}

/// The ids of this tab's phones, so that a reloaded page continues as the same users.
function loadIds() {
  try {
    const ids = JSON.parse(sessionStorage.getItem(STORAGE_KEY));
    if (Array.isArray(ids) && ids.length) return ids.slice(0, MAX_PHONES);
  } catch {
    // Malformed ids are replaced by new ones.
  }
  return [randomId(), randomId()];
}

initThemeToggle(byId("theme"));
const token = await requestToken(isAccepted);
const addPhone = (id) => {
  phones.push(new Phone(token, id, phones.length + 1));
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify(phones.map((phone) => phone.id)));
  byId("add").disabled = phones.length >= MAX_PHONES;
};
loadIds().forEach(addPhone);
byId("add").addEventListener("click", () => {
  addPhone(randomId());
  phones.at(-1).activate(true);
});
phones[0].activate(true);
