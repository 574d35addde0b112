// The receipt's button to print.

import { wake } from "../common/dom.js";

document.getElementById("print").addEventListener("click", () => print());
wake("page");
