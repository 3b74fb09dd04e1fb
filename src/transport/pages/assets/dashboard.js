// The dashboard: figures of the last hour, then each as it is taken, over one stream of events that
// is opened again when it breaks off. `EventSource` can send no token, so the stream is read by hand.

import { token_for_this_tab } from "./gate.js";
import { themes_by } from "./theme.js";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const AGAIN = 2_000;
const SVG = "http://www.w3.org/2000/svg";

const by_id = (id) => document.getElementById(id);
const count = (value) => (value ?? 0).toLocaleString("en");
const millis = (micros) => (micros === null ? "–" : `${(micros / 1_000).toFixed(micros < 10_000 ? 2 : 0)} ms`);
const seconds = (value) => (value < 120 ? `${value} s` : `${Math.round(value / 60)} min`);
const megabytes = (kilobytes) => (kilobytes === null ? "–" : `${Math.round(kilobytes / 1_024)} MB`);

/// How much a total grew in the minute up to a sample.
function per_minute(samples, at, field) {
  const now = samples[at];
  let first = at;
  while (first > 0 && now.at - samples[first - 1].at <= MINUTE) first -= 1;
  const span = now.at - samples[first].at;
  return span > 0 ? Math.max(0, Math.round(((now[field] - samples[first][field]) * MINUTE) / span)) : 0;
}

const FIGURES = [
  ["People", ({ people }) => count(people)],
  ["Waiting", ({ waiting }) => count(waiting)],
  ["Pairs", ({ pairs }) => count(pairs)],
  ["Messages per minute", (last, all) => count(per_minute(all, all.length - 1, "relayed"))],
  ["Calls, median", ({ p50_us }) => millis(p50_us)],
  ["Calls, p99", ({ p99_us }) => millis(p99_us)],
  ["Longest wait", ({ longest_wait }) => seconds(longest_wait)],
  ["Evicted", ({ evicted }) => count(evicted)],
  ["Numbers hidden", ({ masked }) => count(masked)],
  ["Rejected calls", ({ refused }) => count(refused)],
  ["Memory", ({ memory_kb }) => megabytes(memory_kb)],
  ["Instances", ({ instances }) => count(instances)],
];

const CHARTS = [
  ["People", (sample) => sample.people, count],
  ["Waiting", (sample) => sample.waiting, count],
  ["Pairs", (sample) => sample.pairs, count],
  ["Messages per minute", (_, all, at) => per_minute(all, at, "relayed"), count],
  ["Calls, p99", (sample) => sample.p99_us, millis],
  ["Rejected calls per minute", (_, all, at) => per_minute(all, at, "refused"), count],
];

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

class Board {
  #samples = [];
  #figures = new Map();
  #charts = [];

  constructor() {
    for (const [name] of FIGURES) {
      const [box, value] = [element("div", "figure"), element("strong")];
      value.id = `figure-${name.toLowerCase().replace(/\W+/g, "-")}`;
      box.append(element("p", "", name), value);
      by_id("figures").append(box);
      this.#figures.set(name, value);
    }
    for (const [name] of CHARTS) {
      const box = element("div", "chart");
      const [head, most] = [element("h2", "", name), element("span")];
      head.append(most);
      const svg = drawn("svg", { viewBox: "0 0 360 100", preserveAspectRatio: "none", role: "img" });
      const [area, line] = [drawn("path", { class: "area" }), drawn("path", { class: "line" })];
      svg.append(drawn("line", { class: "base", x1: 0, x2: 360, y1: 100, y2: 100 }), area, line);
      const foot = element("p");
      const since = element("span");
      foot.append(since, element("span", "", "now"));
      box.append(head, svg, foot);
      by_id("charts").append(box);
      this.#charts.push({ svg, area, line, most, since });
    }
  }

  hour({ fields, rows, alerts, version }) {
    this.fields = fields;
    this.#samples = rows.map((row) => this.#named(row));
    by_id("about").textContent = `version ${version}, live`;
    this.#show(alerts);
  }

  sample({ row, alerts }) {
    if (!row) return;
    this.#samples.push(this.#named(row));
    const from = this.#samples.at(-1).at - HOUR;
    this.#samples = this.#samples.filter((sample) => sample.at >= from);
    this.#show(alerts);
  }

  #named(row) {
    return Object.fromEntries(this.fields.map((field, at) => [field, row[at]]));
  }

  #show(alerts) {
    by_id("board").hidden = false;
    by_id("alerts").replaceChildren(...alerts.map((told) => element("li", "", told)));
    const all = this.#samples;
    const last = all.at(-1);
    if (!last) return;
    for (const [name, read] of FIGURES) this.#figures.get(name).textContent = read(last, all);
    CHARTS.forEach(([name, read, say], at) => this.#draw(this.#charts[at], name, read, say));
  }

  #draw({ svg, area, line, most, since }, name, read, say) {
    const all = this.#samples;
    // Of a server that has just started there is no hour to show.
    const span = Math.min(HOUR, Math.max(MINUTE, all.at(-1).at - all[0].at));
    const values = all.map((sample, at) => read(sample, all, at) ?? 0);
    const top = Math.max(...values);
    const x = (sample) => 360 - ((all.at(-1).at - sample.at) / span) * 360;
    const points = values.map((value, at) => `${x(all[at]).toFixed(1)} ${(100 - (top ? (value / top) * 94 : 0)).toFixed(1)}`);
    line.setAttribute("d", `M${points.join("L")}`);
    area.setAttribute("d", `M${x(all[0]).toFixed(1)} 100L${points.join("L")}L360 100Z`);
    since.textContent = span < HOUR ? `${Math.round(span / MINUTE)} min ago` : "an hour ago";
    most.textContent = `max ${say(top)}`;
    svg.setAttribute("aria-label", `${name} in the last hour: max ${say(top)}, now ${say(values.at(-1))}`);
  }
}

/// The events of a stream, one after the other.
async function* events(body) {
  let text = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = Object.fromEntries(
        text.slice(0, end).split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
      );
      text = text.slice(end + 2);
      if (fields.data) yield [fields.event, JSON.parse(fields.data)];
    }
  }
}

themes_by(by_id("theme"));
const token = await token_for_this_tab();
const board = new Board();
for (;;) {
  try {
    const answer = await fetch("/dashboard/live", { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    for await (const [kind, data] of events(answer.body)) {
      if (kind === "hour") board.hour(data);
      else if (kind === "sample") board.sample(data);
    }
  } catch {
    // Said below, and tried again.
  }
  by_id("about").textContent = "The server is not responding. Retrying…";
  await new Promise((again) => setTimeout(again, AGAIN));
}
