// Phones side by side. Each is a person of its own: a client of the protocol under an id that nobody
// can guess. What they know of each other comes through the server and nowhere else.

import { token_for_this_tab } from "./gate.js";
import { Client } from "./mcp.js";
import { themes_by } from "./theme.js";

const KEY = "phones";
const MOST = 4;
/// How long a sign of typing holds, and how often it is repeated, in milliseconds.
const TYPING_HOLDS = 5_000;
const TYPING_AGAIN = 2_500;

const by_id = (id) => document.getElementById(id);
const unguessable = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

/// Puts a text into an element: what is hidden is marked, what the server sets in stars is strong.
function write(into, text, stars) {
  const parts = stars ? /(\[hidden\]|\*[^*\n]+\*)/ : /(\[hidden\])/;
  for (const part of text.split(parts)) {
    if (part === "[hidden]") into.append(element("mark", "", "hidden"));
    else if (stars && /^\*[^*]+\*$/.test(part)) into.append(element("strong", "", part.slice(1, -1)));
    else into.append(part);
  }
}

let commands = [];
let phones = [];

/// The commands, as the server lists them.
async function learn_commands(client) {
  if (commands.length) return;
  const help = await client.call("help", {});
  commands = [...help.matchAll(/^\*#(\w+)\*[^:]*?( [^:*]+)?: (.+)$/gm)].map(([, name, argument, told]) => ({
    name: `#${name}`,
    takes: Boolean(argument?.trim().replace(/^,.*/, "")),
    told,
  }));
}

class Phone {
  constructor(token, id, number) {
    this.id = id;
    this.number = number;
    this.room = null;
    this.unread = 0;
    this.known = new Set();
    this.mine = [];
    this.outgoing = [];
    this.typing_since = 0;
    this.root = by_id("phone").content.firstElementChild.cloneNode(true);
    const find = (name) => this.root.querySelector(name);
    [this.log, this.input, this.list] = [find(".log"), find(".text"), find(".suggestions")];
    this.root.setAttribute("aria-label", `Phone ${number}`);
    this.log.setAttribute("aria-label", `Messages on phone ${number}`);
    find(".own").textContent = `Phone ${number}`;
    find(".unseen").textContent = `Message on phone ${number}`;
    find(".unseen").htmlFor = this.input.id = `text-${number}`;
    this.list.id = `suggestions-${number}`;
    this.list.setAttribute("aria-label", "Commands");
    this.input.setAttribute("aria-controls", this.list.id);
    this.input.placeholder = "Message or #command";
    this.tab = element("button", "tab", `Phone ${number}`);
    this.tab.type = "button";
    this.tab.addEventListener("click", () => this.show(true));
    find(".composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.input.value);
    });
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.root.addEventListener("focusin", () => this.show(false));
    // Suggestions, or a keyboard on the screen, take room: the last message stays in sight.
    new ResizeObserver(() => this.log.scrollTo({ top: this.log.scrollHeight, behavior: "instant" })).observe(this.log);
    by_id("phones").append(this.root);
    by_id("tabs").append(this.tab);
    this.stand({ status: "idle" });
    this.hint();
    this.client = new Client(token, {
      open: () => this.back(),
      closed: () => this.status("Connecting…"),
      told: (method, news) => this.told(method, news),
    });
  }

  /// Makes this the phone that is looked at.
  show(focus) {
    for (const phone of phones) {
      phone.root.classList.toggle("active", phone === this);
      phone.tab.setAttribute("aria-pressed", String(phone === this));
    }
    this.count(0);
    if (focus) this.input.focus();
  }

  count(unread) {
    this.unread = unread;
    const badge = this.root.querySelector(".badge");
    badge.hidden = unread === 0;
    badge.textContent = unread;
    badge.setAttribute("aria-label", `${unread} unread`);
    this.tab.textContent = unread ? `Phone ${this.number} (${unread})` : `Phone ${this.number}`;
  }

  status(text) {
    this.root.querySelector(".status").textContent = text;
  }

  /// Shows how the person stands.
  stand({ status, room_id, partner, position }) {
    this.room = status === "matched" ? room_id : null;
    const name = this.room ? partner.display_name : "No partner yet";
    this.root.querySelector(".partner").textContent = name;
    this.root.querySelector(".avatar").textContent = this.room ? name.replace(/^User_/, "").slice(0, 1) : "?";
    const place = position ? `, place ${position}` : "";
    this.resting = { matched: "connected", waiting: `looking for a partner${place}` }[status] ?? "not in a chat";
    this.status(this.resting);
    if (!this.room) this.dots(false);
  }

  /// After each time it connected: what was missed, and what was not sent.
  async back() {
    const standing = await this.client.call("rejoin", { user_id: this.id });
    for (const news of standing.missed) this.told(news.type, news);
    this.stand(standing);
    await learn_commands(this.client);
    this.flush();
  }

  told(method, news) {
    if (news.message_id && this.known.has(news.message_id)) return;
    this.known.add(news.message_id);
    if (method === "chatroom.found") {
      this.stand({ status: "matched", ...news });
      const common = news.common_interests?.length ? ` You both like: ${news.common_interests.join(", ")}.` : "";
      this.bubble("told", `🎉 You're now chatting with ${news.partner.display_name}.${common} Say hello!`);
      if (news.notice) this.bubble("told", news.notice);
      this.arrived();
    } else if (method === "message.received") {
      this.dots(false);
      this.seen();
      this.bubble("theirs", news.message, news.timestamp);
      this.arrived();
    } else if (method === "room.notice") {
      this.bubble("told", news.text);
      this.arrived();
    } else if (method === "partner.typing") {
      if (news.typing) this.seen();
      this.dots(news.typing);
    } else if (method === "partner.disconnected") {
      this.stand({ status: "idle" });
      const how = news.reason === "timeout" ? "Your partner timed out." : "Your partner left the chat.";
      this.bubble("told", how);
      this.hint();
      this.arrived();
    } else if (method === "operator.notice") {
      this.bubble("told", `📢 ${news.message}`);
      this.arrived();
    }
  }

  arrived() {
    if (document.hidden || !this.root.classList.contains("active")) this.count(this.unread + 1);
  }

  /// A partner who answers has read what was written before.
  seen() {
    for (const ticks of this.mine.splice(0)) {
      ticks.classList.add("seen");
      ticks.setAttribute("aria-label", "seen");
    }
  }

  dots(shown) {
    clearTimeout(this.dots_end);
    this.log.querySelector(".dots")?.remove();
    this.status(shown ? "typing…" : this.resting);
    if (!shown) return;
    const dots = element("div", "bubble theirs dots");
    dots.setAttribute("aria-label", "typing");
    dots.append(element("i"), element("i"), element("i"));
    this.append(dots);
    this.dots_end = setTimeout(() => this.dots(false), TYPING_HOLDS);
  }

  append(line) {
    this.log.querySelector(".hints")?.remove();
    this.log.append(line);
    this.log.scrollTop = this.log.scrollHeight;
    return line;
  }

  bubble(kind, text, at = Date.now()) {
    const bubble = element("div", `bubble ${kind}`);
    write(bubble, text, kind.includes("told"));
    if (kind.includes("told")) return this.append(bubble);
    const foot = element("div", "foot");
    foot.append(element("time", "", new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })));
    bubble.append(foot);
    return this.append(bubble);
  }

  /// Offers what one would do now.
  hint() {
    this.log.querySelector(".hints")?.remove();
    const hints = element("div", "hints");
    for (const command of ["#meet", "#help"]) {
      const button = element("button", "", command);
      button.type = "button";
      button.addEventListener("click", () => this.send(command));
      hints.append(button);
    }
    this.log.append(hints);
  }

  send(typed) {
    const text = typed.trim();
    if (!text) return;
    this.input.value = "";
    this.suggest();
    this.typing_since = 0;
    const bubble = this.bubble(text.startsWith("#") ? "mine command" : "mine", text);
    this.outgoing.push({ text, bubble, message_id: unguessable() });
    this.flush();
  }

  /// Sends what waits, one after the other. What a lost connection leaves open is sent again under the
  /// same id, which the server carries out once.
  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    while (this.outgoing.length) {
      const { text, bubble, message_id } = this.outgoing[0];
      try {
        const said = await this.client.call("say", { user_id: this.id, message: text, message_id });
        this.outgoing.shift();
        this.said(said, bubble);
      } catch (error) {
        if (!this.client.is_open()) break;
        this.outgoing.shift();
        this.bubble("told", `⚠️ ${error.message}`);
      }
    }
    this.flushing = false;
  }

  said({ told, sent, ...standing }, bubble) {
    this.stand(standing);
    if (sent) {
      const foot = bubble.querySelector(".foot");
      if (sent.hidden) foot.prepend(element("span", "lock", "🔒 number hidden"));
      const pushed = sent.delivered === "pushed";
      const ticks = element("span", "ticks", pushed ? "✓✓" : "✓");
      ticks.setAttribute("role", "img");
      ticks.setAttribute("aria-label", pushed ? "delivered" : "sent");
      foot.append(ticks);
      this.mine.push(ticks);
    } else if (told) {
      this.bubble("told", told);
      if (standing.status === "idle") this.hint();
    }
  }

  typed() {
    this.suggest();
    const now = Date.now();
    const says = this.room && this.input.value.trim() && !this.input.value.startsWith("#");
    if (!says || now - this.typing_since < TYPING_AGAIN) return;
    this.typing_since = now;
    // A sign of typing that gets lost is no loss.
    this.client.call("set_typing", { room_id: this.room, user_id: this.id, typing: true }).catch(() => {});
  }

  /// Commands that begin like what is typed.
  suggest() {
    const typed = this.input.value.toLowerCase();
    this.offer(typed.startsWith("#") ? commands.filter(({ name }) => name.startsWith(typed) && name !== typed) : []);
  }

  offer(fitting) {
    this.list.replaceChildren(
      ...fitting.map((command, at) => {
        const row = element("li", "", command.name);
        row.id = `${this.list.id}-${at}`;
        row.role = "option";
        row.dataset.name = command.name;
        row.append(element("span", "", command.told));
        row.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          this.choose(row);
        });
        return row;
      }),
    );
    this.list.hidden = fitting.length === 0;
    this.input.setAttribute("aria-expanded", String(fitting.length > 0));
    this.mark(fitting.length ? this.list.firstElementChild : null);
  }

  mark(row) {
    for (const other of this.list.children) other.setAttribute("aria-selected", String(other === row));
    this.input.setAttribute("aria-activedescendant", row?.id ?? "");
    row?.scrollIntoView({ block: "nearest" });
    this.marked = row;
  }

  choose(row) {
    this.input.value = row.dataset.name;
    this.suggest();
    this.input.focus();
  }

  pressed(event) {
    if (this.list.hidden) return;
    const { marked, list } = this;
    if (event.key === "ArrowDown") this.mark(marked?.nextElementSibling ?? list.firstElementChild);
    else if (event.key === "ArrowUp") this.mark(marked?.previousElementSibling ?? list.lastElementChild);
    else if (event.key === "Tab") this.choose(marked);
    else if (event.key === "Escape") this.offer([]);
    else return;
    event.preventDefault();
  }
}

/// The ids of this tab's phones: a page that is loaded again goes on with the same people.
function known_ids() {
  try {
    const ids = JSON.parse(sessionStorage.getItem(KEY));
    if (Array.isArray(ids) && ids.length) return ids.slice(0, MOST);
  } catch {
    // What is not readable is made anew.
  }
  return [unguessable(), unguessable()];
}

themes_by(by_id("theme"));
const token = await token_for_this_tab();
const add = (id) => {
  phones.push(new Phone(token, id, phones.length + 1));
  sessionStorage.setItem(KEY, JSON.stringify(phones.map((phone) => phone.id)));
  by_id("add").disabled = phones.length >= MOST;
};
known_ids().forEach(add);
by_id("add").addEventListener("click", () => {
  add(unguessable());
  phones.at(-1).show(true);
});
phones[0].show(true);
