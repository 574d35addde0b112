// The page of the workers: polls their state every two seconds while the page is visible.

import { learn, now } from "../common/clock.js";
import { fill, tell } from "../common/dom.js";
import { count, wait } from "../common/format.js";
import { wordsFor } from "../common/problems.js";
import { api } from "../common/session.js";
import { _, language } from "../common/words.js";

const PERIOD_MS = 2_000;
const STATES = { idle: _("Ready"), busy: _("At work"), stopped: _("Stopped"), gone: _("Gone"), unknown: _("Unknown") };

const root = document.getElementById("workforce");
const trouble = document.getElementById("trouble");
let timer = 0;

const relative = new Intl.RelativeTimeFormat(language);

/** How long ago, e.g. «5 seconds ago»: a worker that is silent for longer than minutes is forgotten. */
const ago = (moment) => {
  const seconds = Math.round((now() - Date.parse(moment)) / 1000);
  if (seconds < 3) return _("just now");
  return seconds < 90 ? relative.format(-seconds, "second") : relative.format(-Math.round(seconds / 60), "minute");
};

function cell(tag, ...content) {
  const node = document.createElement(tag);
  node.append(...content);
  return node;
}

function number(value) {
  return Object.assign(cell("td", count(value)), { className: "number" });
}

function task({ name, since }) {
  const code = Object.assign(cell("span", name || _("a task")), { className: "code" });
  return cell("div", code, " ", _("for {time}", { time: wait((now() - Date.parse(since)) / 1000) }));
}

function row(worker) {
  const name = Object.assign(cell("th", worker.name), { scope: "row" });
  const state = Object.assign(cell("span", STATES[worker.state]), { className: "worker-state" });
  const line = cell("tr", name, cell("td", state), cell("td", ...worker.running.map(task)), number(worker.processed), number(worker.failed), cell("td", ago(worker.heard_at)));
  line.dataset.worker = worker.state;
  return line;
}

function show(workforce) {
  learn(workforce.server_time, { live: true });
  document.getElementById("deaf").hidden = workforce.is_heard;
  document.getElementById("broker").hidden = workforce.broker.is_reachable;
  document.getElementById("nobody").hidden = workforce.workers.length > 0;
  document.getElementById("workers").replaceChildren(...workforce.workers.map(row));
  for (const { name, waiting } of workforce.queues) fill(root, `queue-${name}`, waiting === null ? "–" : count(waiting));
  fill(root, "unacknowledged", workforce.unacknowledged === null ? "–" : count(workforce.unacknowledged));
}

async function ask() {
  clearTimeout(timer);
  try {
    show(await api("/api/v1/admin/workers"));
    tell(trouble, "");
  } catch (error) {
    tell(trouble, _("The figures stand still. {why}", { why: wordsFor(error) }));
  }
  if (!document.hidden) timer = setTimeout(ask, PERIOD_MS);
}

document.addEventListener("visibilitychange", () => document.hidden || ask());
ask();
