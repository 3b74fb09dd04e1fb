// The dashboard: the samples of the last hour, then each new one, from one event stream that is
// reopened when it ends. `EventSource` can't send a token, so the stream is parsed here.

import { requestToken } from "./gate.js";
import { initThemeToggle } from "./theme.js";

/// In milliseconds.
const HOUR = 3_600_000;
const MINUTE = 60_000;
const RECONNECT_DELAY = 2_000;
const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);
const count = (value) => (value ?? 0).toLocaleString("en");
const millis = (micros) => (micros === null ? "–" : `${(micros / 1_000).toFixed(micros < 10_000 ? 2 : 0)} ms`);
const seconds = (value) => (value < 120 ? `${value} s` : `${Math.round(value / 60)} min`);
const credits = (micros) => (micros / 1_000_000).toLocaleString("en", { maximumFractionDigits: micros < 1_000_000 ? 6 : 2 });
const megabytes = (kilobytes) => (kilobytes === null ? "–" : `${Math.round(kilobytes / 1_024)} MB`);

/// The increase of the total `field` in the minute before the sample at `index`.
function perMinute(samples, index, field) {
  const now = samples[index];
  let first = index;
  while (first > 0 && now.at - samples[first - 1].at <= MINUTE) first -= 1;
  const duration = now.at - samples[first].at;
  return duration > 0 ? Math.max(0, Math.round(((now[field] - samples[first][field]) * MINUTE) / duration)) : 0;
}

/// Label, and text from the newest sample and all samples.
const FIGURES = [
  ["People", ({ people }) => count(people)],
  ["Waiting", ({ waiting }) => count(waiting)],
  ["Pairs", ({ pairs }) => count(pairs)],
  ["Messages per minute", (last, all) => count(perMinute(all, all.length - 1, "relayed"))],
  ["Calls, median", ({ p50_us }) => millis(p50_us)],
  ["Calls, p99", ({ p99_us }) => millis(p99_us)],
  ["Longest wait", ({ longest_wait }) => seconds(longest_wait)],
  ["Evicted", ({ evicted }) => count(evicted)],
  ["Numbers hidden", ({ masked }) => count(masked)],
  ["Rejected calls", ({ refused }) => count(refused)],
  ["Memory", ({ memory_kb }) => megabytes(memory_kb)],
  ["Instances", ({ instances }) => count(instances)],
];

/// Label, value of the sample at an index, and text of a value.
const CHARTS = [
  ["People", (sample) => sample.people, count],
  ["Waiting", (sample) => sample.waiting, count],
  ["Pairs", (sample) => sample.pairs, count],
  ["Messages per minute", (_, all, index) => perMinute(all, index, "relayed"), count],
  ["Calls, p99", (sample) => sample.p99_us, millis],
  ["Rejected calls per minute", (_, all, index) => perMinute(all, index, "refused"), count],
];

/// Figures of the gateway, if it is enabled. Charges are in millionths of a credit.
const GATEWAY_FIGURES = [
  ["Requests per minute", (last, all) => count(perMinute(all, all.length - 1, "gateway_requests"))],
  ["Failed per minute", (last, all) => count(perMinute(all, all.length - 1, "gateway_failed"))],
  ["Tokens per minute", (last, all) => count(perMinute(all, all.length - 1, "gateway_tokens"))],
  ["Credits per minute", (last, all) => credits(perMinute(all, all.length - 1, "gateway_charged"))],
  ["First token, median", ({ gateway_first_token_us }) => millis(gateway_first_token_us)],
  ["Open holds", ({ gateway_holds }) => count(gateway_holds)],
];
const GATEWAY_CHARTS = [
  ["Requests per minute", (_, all, index) => perMinute(all, index, "gateway_requests"), count],
  ["Tokens per minute", (_, all, index) => perMinute(all, index, "gateway_tokens"), count],
  ["Credits per minute", (_, all, index) => perMinute(all, index, "gateway_charged"), credits],
  ["First token, median", (sample) => sample.gateway_first_token_us, millis],
];

/// The state of a provider in words. It is paused with a key and a model that fail.
const health = ({ name, used, open }) => (open === 0 ? `${name}: answers` : open < used ? `${name}: ${open} of ${used} models paused` : `${name}: paused`);

function createElement(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function createSvgElement(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

class DashboardView {
  #fields = [];
  #samples = [];
  #figures = [];
  #charts = [];

  constructor() {
    this.#addFigures(FIGURES, "figure", byId("figures"));
    this.#addFigures(GATEWAY_FIGURES, "gateway-figure", byId("gateway-figures"));
    this.#addCharts(CHARTS, byId("charts"));
    this.#addCharts(GATEWAY_CHARTS, byId("gateway-charts"));
  }

  #addFigures(figures, prefix, parent) {
    for (const [name, read] of figures) {
      const [box, value] = [createElement("div", "figure"), createElement("strong")];
      value.id = `${prefix}-${name.toLowerCase().replace(/\W+/g, "-")}`;
      box.append(createElement("p", "", name), value);
      parent.append(box);
      this.#figures.push({ value, read });
    }
  }

  #addCharts(charts, parent) {
    for (const [name, read, format] of charts) {
      const box = createElement("div", "chart");
      const [heading, maximum] = [createElement("h2", "", name), createElement("span")];
      heading.append(maximum);
      const svg = createSvgElement("svg", { viewBox: "0 0 360 100", preserveAspectRatio: "none", role: "img" });
      const [area, line] = [createSvgElement("path", { class: "area" }), createSvgElement("path", { class: "line" })];
      svg.append(createSvgElement("line", { class: "base", x1: 0, x2: 360, y1: 100, y2: 100 }), area, line);
      const foot = createElement("p");
      const since = createElement("span");
      foot.append(since, createElement("span", "", "now"));
      box.append(heading, svg, foot);
      parent.append(box);
      this.#charts.push({ name, read, format, svg, area, line, maximum, since });
    }
  }

  /// Replaces all samples.
  setHour({ fields, rows, alerts, providers, version }) {
    this.#fields = fields;
    this.#samples = rows.map((row) => this.#toSample(row));
    byId("about").textContent = `version ${version}, live`;
    this.#render(alerts, providers);
  }

  /// Adds a sample and drops those older than an hour.
  addSample({ row, alerts, providers }) {
    if (!row) return;
    this.#samples.push(this.#toSample(row));
    const from = this.#samples.at(-1).at - HOUR;
    this.#samples = this.#samples.filter((sample) => sample.at >= from);
    this.#render(alerts, providers);
  }

  #toSample(row) {
    return Object.fromEntries(this.#fields.map((field, index) => [field, row[index]]));
  }

  #render(alerts, providers) {
    byId("board").hidden = false;
    byId("alerts").replaceChildren(...alerts.map((alert) => createElement("li", "", alert)));
    byId("gateway").hidden = !providers;
    const item = (provider) => createElement("li", provider.open > 0 ? "failing" : "", health(provider));
    byId("providers").replaceChildren(...(providers ?? []).map(item));
    const all = this.#samples;
    const last = all.at(-1);
    if (!last) return;
    for (const { value, read } of this.#figures) value.textContent = read(last, all);
    for (const chart of this.#charts) this.#draw(chart);
  }

  #draw({ name, read, format, svg, area, line, maximum, since }) {
    const all = this.#samples;
    // A server that started less than an hour ago has a shorter time axis.
    const duration = Math.min(HOUR, Math.max(MINUTE, all.at(-1).at - all[0].at));
    const values = all.map((sample, index) => read(sample, all, index) ?? 0);
    const top = Math.max(...values);
    const x = (sample) => 360 - ((all.at(-1).at - sample.at) / duration) * 360;
    const points = values.map((value, index) => `${x(all[index]).toFixed(1)} ${(100 - (top ? (value / top) * 94 : 0)).toFixed(1)}`);
    line.setAttribute("d", `M${points.join("L")}`);
    area.setAttribute("d", `M${x(all[0]).toFixed(1)} 100L${points.join("L")}L360 100Z`);
    since.textContent = duration < HOUR ? `${Math.round(duration / MINUTE)} min ago` : "an hour ago";
    maximum.textContent = `max ${format(top)}`;
    svg.setAttribute("aria-label", `${name} in the last hour: max ${format(top)}, now ${format(values.at(-1))}`);
  }
}

/// Yields the name and the data of each event of a stream.
async function* parseEvents(body) {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = Object.fromEntries(
        text.slice(0, end).split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
      );
      text = text.slice(end + 2);
      if (fields.data) yield [fields.event, JSON.parse(fields.data)];
    }
  }
}

initThemeToggle(byId("theme"));
/// Requests a path of this server with a token.
const load = (path, token) => fetch(path, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });

const token = await requestToken(async (token) => (await load("/stats", token)).status !== 401);
const view = new DashboardView();
for (;;) {
  try {
    const response = await load("/dashboard/live", token);
    if (!response.ok) throw new Error(String(response.status));
    for await (const [name, data] of parseEvents(response.body)) {
      if (name === "hour") view.setHour(data);
      else if (name === "sample") view.addSample(data);
    }
  } catch {
    // Reported and retried below.
  }
  byId("about").textContent = "The server is not responding. Retrying…";
  await new Promise((resolve) => setTimeout(resolve, RECONNECT_DELAY));
}
