// The list of sales: updates their figures, and shows the result of an action at once.

import { wake } from "../common/dom.js";
import { watchAll } from "../sale/sale_cards.js";
import { listenToActions } from "./actions.js";

const take = watchAll();

/** Show the sale as it is now, and leave the keyboard at a verb that it has. */
function show(sale, button) {
  const row = button.closest("[data-sale]");
  take(sale);
  [...row.querySelectorAll("[data-action]")].find((other) => !other.hidden)?.focus();
}

listenToActions(show);
wake("page");
