// Keeps several sales on one page up to date: one socket, and each card's own figures.

import { now } from "../common/clock.js";
import { Live } from "./live.js";
import { newer, showFigures } from "./figures.js";

const MOST = 24; // cards that move; a page with more shows the rest as they were
const OPENED_MS = 180_000; // so long after its opening a sale is still one that opens, when the next is looked for
const MOVING = ["open", "paused", "scheduled"];

/** Keep the cards of the page moving; returns a function that shows a sale at once. */
export function watchAll() {
  const cards = new Map();
  for (const card of document.querySelectorAll("[data-sale]")) cards.set(card.dataset.sale, { card, sale: {} });
  const take = (message) => {
    const entry = cards.get(message.sale_id ?? message.id);
    if (!entry) return;
    const { type, ...figures } = message;
    entry.sale = newer(entry.sale, figures);
    showFigures(entry.card, entry.sale);
  };
  const moving = [...cards.values()].filter(({ card }) => MOVING.includes(card.dataset.status)).slice(0, MOST);
  if (moving.length) {
    const openings = moving.map(({ card }) => Date.parse(card.querySelector("[data-when-status=scheduled] time")?.dateTime));
    const live = new Live(() => Math.min(...openings.map((at) => at - now()).filter((ms) => ms > -OPENED_MS)));
    live.addEventListener("sale", ({ detail }) => take(detail));
    for (const { card } of moving) live.subscribe(card.dataset.sale);
  }
  return take;
}
