// Owns the list of sales: their figures move, and a deed is seen at once.

import { wake } from "../dom.js";
import { watchAll } from "../shelf.js";
import { listenToDeeds } from "./acting.js";

const take = watchAll();

/** Show the sale as it is now, and leave the keyboard at a verb that it has. */
function show(sale, button) {
  const row = button.closest("[data-sale]");
  take(sale);
  [...row.querySelectorAll("[data-deed]")].find((other) => !other.hidden)?.focus();
}

listenToDeeds(show);
wake("page");
