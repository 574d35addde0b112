// The live overview of a sale: joins polled figures (Pulse), socket messages (Live), the charts and the buttons.

import { Live } from "../sale/live.js";
import { now } from "../common/clock.js";
import { fill, putMoney, tell, tickCountdowns, wake } from "../common/dom.js";
import { flat, newer, showFigures } from "../sale/figures.js";
import { clock, count, wait } from "../common/format.js";
import { last } from "../common/lists.js";
import { showLink } from "../sale/panel.js";
import { wordsFor } from "../common/problems.js";
import { _ } from "../common/words.js";
import { Chart } from "./chart.js";
import { showActivity } from "./activity.js";
import { Pulse } from "./pulse.js";
import { listenToVerbs } from "./verbs.js";

const STALE_MS = 6_000; // a running sale without a sample for longer: nobody samples it
const FUNNEL = ["intents", "decided", "held", "paying", "paid", "refunded", "expired", "cancelled", "sold_out", "left", "rejected"];

const root = document.getElementById("overview");
const stale = document.getElementById("stale");
const span = document.getElementById("span");
const pulse = new Pulse(root.dataset.sale);
const live = new Live();
const charts = {
  pace: new Chart(document.getElementById("pace"), ["intents_per_second", "decisions_per_second"]),
  line: new Chart(document.getElementById("line"), ["waiting", "standby"]),
  stock: new Chart(document.getElementById("stock"), ["sold", "held", "available"], { isStacked: true }),
};
let sale = flat(JSON.parse(document.getElementById("sale").textContent));

const isMoving = () => ["open", "paused"].includes(sale.status);
const milliseconds = (value) => (value === null ? "–" : value < 10_000 ? _("{n} ms", { n: count(value) }) : wait(value / 1000));

function showSale(message) {
  const { type, ...figures } = message;
  const before = sale;
  sale = newer(before, figures);
  const isChanged = ["status", "allocation"].some((name) => sale[name] !== before[name]) || sale.price.amount_minor !== before.price.amount_minor;
  if (isChanged) showActivity(sale); // by this admin or by another
  showFigures(root, sale);
  fill(root, "waiting", count(sale.waiting));
  fill(root, "standby", count(sale.standby));
}

function showCounts({ rates, holds, time_to_verdict: verdict, sockets, counted_at }) {
  fill(root, "intents_per_second", count(rates.intents_per_second));
  fill(root, "decisions_per_second", count(rates.decisions_per_second));
  fill(root, "expiring", count(holds.expiring));
  fill(root, "open_holds", count(holds.open));
  showDeadline(holds.next_deadline);
  fill(root, "p50", milliseconds(verdict.p50_ms));
  fill(root, "p99", milliseconds(verdict.p99_ms));
  fill(root, "sockets", count(sockets.open));
  fill(root, "watching", count(sockets.watching));
  fill(root, "counted_at", clock(counted_at));
}

function showDeadline(deadline) {
  const node = document.getElementById("deadline");
  node.parentElement.hidden = !deadline;
  if (deadline) node.dateTime = deadline;
  tickCountdowns();
}

function showRevenue({ gross, refunded, net }) {
  for (const [name, amount] of Object.entries({ gross, refunded, net })) putMoney(document.getElementById(`revenue-${name}`), amount);
}

function showFunnel(funnel) {
  for (const name of FUNNEL) {
    fill(root, `funnel-${name}`, count(funnel[name]));
    root.querySelector(`[data-bar=${name}]`)?.setAttribute("width", funnel.intents ? (funnel[name] * 100) / funnel.intents : 0);
  }
}

function showInvariants({ checks, checked_at }) {
  const words = { ok: _("kept"), violated: _("broken"), unknown: _("unknown") };
  for (const { name, state } of checks) {
    const item = root.querySelector(`[data-invariant=${name}]`);
    if (!item || item.dataset.state === state) continue;
    item.dataset.state = state;
    fill(item, "invariant-status", words[state]);
  }
  fill(root, "checked_at", checked_at ? _("Checked at {time}", { time: clock(checked_at) }) : _("Not checked yet"));
}

/** Draw up to now while the sale is running, and up to its last sample afterwards. */
function draw() {
  const newest = last(pulse.points)?.at ?? (isMoving() ? 0 : now());
  const to = now() - newest < STALE_MS ? newest : isMoving() ? now() : newest;
  for (const chart of Object.values(charts)) chart.draw(pulse.points, to - Number(span.value) * 1000, to);
  stale.hidden = !isMoving() || now() - newest <= STALE_MS;
}

function show({ detail: overview }) {
  tell(document.getElementById("trouble"), "");
  showSale(overview.sale);
  showCounts(overview);
  showRevenue(overview.revenue);
  showFunnel(overview.funnel);
  showInvariants(overview.audit);
  draw();
}

pulse.addEventListener("overview", show);
pulse.addEventListener("failed", ({ detail }) => tell(document.getElementById("trouble"), _("The figures stand still. {why}", { why: wordsFor(detail) })));
live.addEventListener("sale", ({ detail }) => detail.sale_id === sale.sale_id && showSale(detail));
live.addEventListener("up", () => showLink(document.getElementById("link"), "live"));
live.addEventListener("down", () => showLink(document.getElementById("link"), navigator.onLine ? "reconnecting" : "offline"));
live.subscribe(sale.sale_id);
span.addEventListener("change", draw);
for (const table of root.querySelectorAll(".chart details")) table.addEventListener("toggle", draw);
listenToVerbs(root, () => sale, (answer) => {
  showSale(answer);
  showActivity(sale); // also where only the pace was changed
});
showActivity(sale);
pulse.ask();
wake("page");
