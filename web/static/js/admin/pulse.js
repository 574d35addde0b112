// Polls a sale's overview once a second while the page is visible, and keeps the samples so far.
// Events: `overview` with the newest one as `detail`, `failed` with the error.

import { last } from "../common/lists.js";
import { api, Problem } from "../common/session.js";

const PERIOD_MS = 1_000;
const LONGEST_MS = 10_000; // between two tries while the shop does not answer
const MOST = 900; // samples, as many as the shop keeps

export class Pulse extends EventTarget {
  #path;
  #timer = 0;
  #failures = 0;
  #isAsking = false;
  points = [];

  constructor(saleId) {
    super();
    this.#path = `/api/v1/admin/sales/${saleId}/overview`;
    document.addEventListener("visibilitychange", () => document.hidden || this.ask());
  }

  /** Ask now, and from now on again and again. */
  async ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    clearTimeout(this.#timer);
    try {
      const newest = last(this.points);
      const since = newest ? `?since=${encodeURIComponent(new Date(newest.at).toISOString())}` : "";
      this.#take(await api(this.#path + since));
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.dispatchEvent(new CustomEvent("failed", { detail: error }));
      if (error instanceof Problem && [403, 404].includes(error.status)) return; // it will not get better
    } finally {
      this.#isAsking = false;
    }
    const wait = Math.min(LONGEST_MS, PERIOD_MS * 2 ** this.#failures);
    if (!document.hidden) this.#timer = setTimeout(() => this.ask(), wait);
  }

  #take(overview) {
    const { at, ...columns } = overview.series;
    const fresh = at.map((moment, index) => {
      const point = { at: Date.parse(moment) };
      for (const [name, values] of Object.entries(columns)) point[name] = values[index];
      return point;
    });
    const newest = last(this.points)?.at ?? 0;
    this.points = [...this.points, ...fresh.filter((point) => point.at > newest)].slice(-MOST);
    this.dispatchEvent(new CustomEvent("overview", { detail: overview }));
  }
}
