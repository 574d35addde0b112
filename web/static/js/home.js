// Owns the front page's liveliness: the figures of the sales that run or come.

import { watchAll } from "./sale_cards.js";

watchAll();
