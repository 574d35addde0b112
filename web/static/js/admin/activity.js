// Lists what admins did to a sale: who, when, and what was before and is now.

import { tell } from "../common/dom.js";
import { count, moment, money } from "../common/format.js";
import { api } from "../common/session.js";
import { wordsFor } from "../common/problems.js";
import { _ } from "../common/words.js";

const ACTIONS = {
  created: _("created the sale"),
  cloned: _("made the sale from another one"),
  changed: _("changed the sale"),
  opened: _("opened the sale"),
  paused: _("paused the sale"),
  resumed: _("resumed the sale"),
  ended: _("ended the sale"),
  cancelled: _("cancelled the sale"),
  rebuilt: _("rebuilt the live side"),
};
const FIELDS = {
  price_minor: _("Price"),
  allocation: _("Units"),
  rate_per_second: _("Decisions a second at most"),
  max_open_holds: _("Unpaid holds at once at most"),
  per_shopper_limit: _("Limit for one shopper"),
  hold_seconds: _("Hold in seconds"),
  opens_at: _("Opens"),
  closes_at: _("Closes"),
  lobby_opens_at: _("Lobby opens"),
  admission_order: _("Order of the lobby"),
  requires_verified_email: _("Confirmed addresses only"),
};

const written = (name, value, currency) => {
  if (value === null) return "–";
  if (name === "price_minor") return money(value, currency);
  if (typeof value === "number") return count(value);
  if (typeof value === "boolean") return value ? _("yes") : _("no");
  return name.endsWith("_at") ? moment(value) : String(value);
};

/** Of a change, each setting before and after; of other actions there is nothing more to tell. */
function changes({ deed, details }, currency) {
  const pairs = deed === "changed" ? Object.entries(details).filter(([, pair]) => Array.isArray(pair)) : [];
  return pairs.map(([name, [before, after]]) => `${FIELDS[name] ?? name}: ${written(name, before, currency)} → ${written(name, after, currency)}`).join("; ");
}

function row(entry, currency) {
  const item = document.createElement("li");
  const time = Object.assign(document.createElement("time"), { dateTime: entry.at, textContent: moment(entry.at), className: "faint" });
  const who = entry.actor?.email ?? _("The command line");
  const what = document.createElement("span");
  what.textContent = [`${who} ${ACTIONS[entry.deed] ?? entry.deed}`, changes(entry, currency)].filter(Boolean).join(": ");
  item.append(what, time);
  return item;
}

/** Read the newest actions and show them. */
export async function showActivity(sale) {
  const list = document.getElementById("activity");
  const problem = document.getElementById("activity-problem");
  try {
    const { items } = await api(`/api/v1/admin/log?subject_id=${sale.sale_id}&limit=20`);
    tell(problem, items.length ? "" : _("Nobody did anything to this sale yet."));
    list.replaceChildren(...items.map((entry) => row(entry, sale.price.currency)));
  } catch (error) {
    tell(problem, wordsFor(error));
  }
}
