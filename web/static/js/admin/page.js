// What most pages of the control room do: their actions, their forms, and reloading when something changed.

import { wake } from "../common/dom.js";
import { listenToActions } from "./actions.js";
import { listenToForms } from "./forms.js";
import { reloadWhenChanged } from "./reload.js";

listenToActions();
listenToForms();
reloadWhenChanged();
wake("page");
