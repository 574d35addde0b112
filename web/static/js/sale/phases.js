// Chooses which face of a sale's page is shown; `web/shop/phases.py` does it for the first render, which knows nobody.

import { now } from "../common/clock.js";

const VERDICTS = new Set(["held", "sold_out", "rejected", "left"]);
const ENTRIES = { scheduled: "coming", paused: "paused", ended: "over", cancelled: "over" };

const isLobbyOpen = (sale) => sale.status === "scheduled" && Boolean(sale.lobby_opens_at) && Date.parse(sale.lobby_opens_at) <= now();

export const isDecided = (intent) => VERDICTS.has(intent.status);

/** How far an intent is: from the lobby to the line, to standby, to a verdict; it never goes back. */
export const stageOf = (intent) => (isDecided(intent) ? 3 : ["waiting", "queued", "standby"].indexOf(intent.status));

/** Name the face: that the shopper's place is looked up, a request on its way, a place in line or a verdict, otherwise what the sale allows. */
export function phaseOf({ sale, intent, isSending, wantsMore, isSignedIn, isKnown }) {
  if (!isKnown) return "looking";
  if (isSending) return "sending";
  if (intent && !(wantsMore && isDecided(intent))) return isDecided(intent) ? intent.status : "line";
  if (sale.status === "open" || isLobbyOpen(sale)) return isSignedIn ? "buy" : "log_in";
  return ENTRIES[sale.status];
}
