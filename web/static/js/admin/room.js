// Owns what most pages of the control room do: their deeds, their forms, and coming again when something moved.

import { wake } from "../dom.js";
import { listenToDeeds } from "./acting.js";
import { listenToForms } from "./forms.js";
import { comeAgainWhenMoved } from "./moving.js";

listenToDeeds();
listenToForms();
comeAgainWhenMoved();
wake("page");
