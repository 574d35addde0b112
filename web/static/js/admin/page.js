// Owns what most pages of the control room do: their actions, their forms, and coming again when something moved.

import { wake } from "../dom.js";
import { listenToActions } from "./actions.js";
import { listenToForms } from "./forms.js";
import { reloadWhenChanged } from "./reload.js";

listenToActions();
listenToForms();
reloadWhenChanged();
wake("page");
