// The front page: updates the figures of the sales that run or come.

import { watchAll } from "./sale_cards.js";

watchAll();
