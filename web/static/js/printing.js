// The receipt's button to print.

import { wake } from "./dom.js";

document.getElementById("print").addEventListener("click", () => print());
wake("page");
