// A live chart: lines or stacked areas over time, drawn as SVG, with a table of the same figures.

import { clock, count } from "../common/format.js";
import { last, reversed } from "../common/lists.js";
import { _ } from "../common/words.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 160;
const GAP_MS = 5_000; // without a sample for longer, a line is broken
const ROWS = 12; // of the table

/** The next number of the form 1, 2 or 5 times a power of ten, so that the scale does not change all the time. */
export function ceiling(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((value) => value >= most) ?? 10 * power;
}

/** Part points where samples are missing. */
function runs(points) {
  const parts = [];
  for (const [index, point] of points.entries()) {
    if (index === 0 || point.at - points[index - 1].at > GAP_MS) parts.push([]);
    last(parts).push(point);
  }
  return parts;
}

export class Chart {
  #root;
  #svg;
  #names;
  #isStacked;
  #layers;

  /** Over a `figure` of the page; `names` are its series, each with a legend that the page holds. */
  constructor(root, names, { isStacked = false } = {}) {
    this.#root = root;
    this.#svg = root.querySelector("svg");
    this.#names = names;
    this.#isStacked = isStacked;
    this.#layers = names.map((name) => this.#layer(name));
  }

  #layer(name) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `${this.#isStacked ? "area" : "line"} series-${name}`);
    path.setAttribute("vector-effect", "non-scaling-stroke");
    this.#svg.prepend(path); // the first named lies on top
    return path;
  }

  /** Draw points (`{at, <name>: value, …}`, at in ms, oldest first) of the time between two moments. */
  draw(points, from, to) {
    const shown = points.filter(({ at }) => at >= from - GAP_MS && at <= to);
    this.#root.dataset.isEmpty = String(shown.length === 0);
    const tops = shown.map((point) => this.#tops(point));
    const top = ceiling(Math.max(0, ...tops.flat()));
    const x = (at) => Math.max(0, ((at - from) / Math.max(1, to - from)) * WIDTH).toFixed(1);
    const y = (value) => (HEIGHT - (value / top) * (HEIGHT - 4)).toFixed(1);
    for (const [index, layer] of this.#layers.entries()) layer.setAttribute("d", this.#path(shown, index, x, y));
    this.#label(shown, top, from, to);
  }

  /** How high each series reaches: stacked ones stand on each other, the first named at the bottom. */
  #tops(point) {
    let height = 0;
    return this.#names.map((name) => (this.#isStacked ? (height += point[name]) : point[name]));
  }

  #path(points, index, x, y) {
    const parts = runs(points).map((run) => {
      const line = run.map((point) => `${x(point.at)} ${y(this.#tops(point)[index])}`);
      if (!this.#isStacked) return `M${line.length > 1 ? line.join("L") : `${line[0]}h.1`}`;
      return `M${x(run[0].at)} ${y(0)}L${line.join("L")}L${x(last(run).at)} ${y(0)}Z`;
    });
    return parts.join("");
  }

  #label(points, top, from, to) {
    const put = (name, text) => (this.#root.querySelector(`[data-axis=${name}]`).textContent = text);
    put("top", count(top));
    put("from", clock(from));
    put("to", clock(to));
    const newest = last(points);
    const said = this.#names.map((name) => {
      const words = this.#root.querySelector(`[data-legend=${name}]`).textContent;
      const most = Math.max(0, ...points.map((point) => point[name]));
      this.#root.querySelector(`[data-now=${name}]`).textContent = newest ? count(newest[name]) : "–";
      return _("{what}: {now} now, {most} at most", { what: words, now: newest ? count(newest[name]) : "–", most: count(most) });
    });
    this.#svg.setAttribute("aria-label", said.join("; "));
    if (this.#root.querySelector("details").open) this.#tabulate(points);
  }

  /** As many rows as can be read, the newest first. */
  #tabulate(points) {
    const every = Math.max(1, Math.ceil(points.length / ROWS));
    const rows = reversed(points).filter((_point, index) => index % every === 0).map((point) => {
      const row = document.createElement("tr");
      const head = Object.assign(document.createElement("th"), { scope: "row", textContent: clock(point.at) });
      row.append(head, ...this.#names.map((name) => Object.assign(document.createElement("td"), { textContent: count(point[name]) })));
      return row;
    });
    this.#root.querySelector("tbody").replaceChildren(...rows);
  }
}
