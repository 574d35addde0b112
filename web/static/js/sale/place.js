// Computes a ticket's place and chance from the sale's figures alone: one `sale` message moves everybody.

import { last } from "../common/lists.js";

/** The place of a ticket: `{place, isExact}`; 1 is next, 0 is being decided, null is not known. */
export function placeOf(intent, sale) {
  if (intent.status === "standby") return standbyPlace(intent.ticket, sale.standby_places ?? []);
  if (!intent.ticket) return { place: null, isExact: false }; // lots are being drawn
  return { place: Math.max(intent.ticket - (sale.now_serving ?? 0), 0), isExact: true };
}

/** A place on standby, from marks `[ticket, place]` in order: read off where they are dense, else parted evenly. */
function standbyPlace(ticket, marks) {
  const next = marks.findIndex(([marked]) => marked >= ticket);
  if (next === -1) return marks.length ? { place: last(marks)[1] + 1, isExact: false } : { place: null, isExact: false };
  const [highTicket, highPlace] = marks[next];
  if (highTicket === ticket || next === 0) return { place: highPlace, isExact: highTicket === ticket };
  const [lowTicket, lowPlace] = marks[next - 1];
  const share = (ticket - lowTicket) / (highTicket - lowTicket);
  const place = lowPlace + Math.round(share * (highPlace - lowPlace));
  const isDense = highTicket - lowTicket === highPlace - lowPlace;
  return { place: Math.min(Math.max(place, lowPlace + 1), Math.max(highPlace - 1, lowPlace + 1)), isExact: isDense };
}

/**
 * How the stock compares with those before a ticket: `{ahead, obtainable, chance}`.
 *
 * `obtainable` units are free or held, so that they may still be had; `ahead` is how many tickets are served first at most.
 * `chance`: `sure` (enough is free for everybody before it, whatever they ask, and for it), `fair` (more may be had than
 * tickets are before it), `slim` (only if some of them take nothing), `none` (less may be had than it asks for).
 */
export function outlookOf(intent, sale) {
  const { place } = placeOf(intent, sale);
  if (place === null || sale.available === undefined) return null;
  const ahead = Math.max(place - 1, 0) + (intent.status === "standby" ? 0 : (sale.standby ?? 0));
  const obtainable = sale.available + sale.held;
  const need = intent.accept_fewer ? 1 : intent.quantity;
  return { ahead, obtainable, chance: chanceOf(intent, sale, { ahead, obtainable, need }) };
}

function chanceOf(intent, sale, { ahead, obtainable, need }) {
  if (obtainable < need) return "none";
  if (sale.available >= ahead * (sale.per_shopper_limit ?? Infinity) + intent.quantity) return "sure";
  return obtainable >= ahead + need ? "fair" : "slim";
}
