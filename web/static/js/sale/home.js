// The front page: updates the figures of the sales that run or come.

import { startFollows } from "./follow.js";
import { watchAll } from "./sale_cards.js";

startFollows();
watchAll();
