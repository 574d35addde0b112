// The account's page: the names of time zones that this browser knows, and logging out on every device.

import { tell, wake } from "../common/dom.js";
import { logOutEverywhere } from "../common/session.js";
import { wordsFor } from "../common/problems.js";
import { _ } from "../common/words.js";

const button = document.getElementById("log-out-everywhere");

button.addEventListener("click", async () => {
  if (!confirm(_("Log out on every device?"))) return;
  button.disabled = true;
  try {
    await logOutEverywhere();
    location.assign("/");
  } catch (error) {
    tell(document.getElementById("problem"), wordsFor(error));
    button.disabled = false;
  }
});

for (const zone of Intl.supportedValuesOf?.("timeZone") ?? []) {
  const option = document.createElement("option");
  option.value = zone;
  document.getElementById("zones").append(option);
}
wake("everywhere");
