// What every page does: local formats, the clocks, logging out, and renewing a log-in that went stale.

import { formatAll, tell, tickCountdowns, wake } from "./dom.js";
import { forget, now } from "./clock.js";
import { clock } from "./format.js";
import { logOut, renew } from "./session.js";
import { wordsFor } from "./problems.js";
import { _ } from "./words.js";

const root = document.documentElement;
const notice = document.getElementById("notice");

/** Every second, on the second: one timer for the whole page. */
function tick() {
  tickCountdowns();
  document.getElementById("server-clock").textContent = clock(now());
  setTimeout(tick, 1000 - (now() % 1000));
}

async function leave(button) {
  button.disabled = true;
  tell(notice, _("Logging out…"));
  try {
    await logOut();
    location.assign("/");
  } catch (error) {
    tell(notice, wordsFor(error));
    button.disabled = false;
  }
}

/** The log-in ran out meanwhile and can be renewed: then a page that is somebody's own reloads, logged in. */
async function renewLogIn() {
  tell(notice, _("Renewing your log-in…"));
  try {
    const isGood = await renew();
    if (isGood && root.dataset.session === "renewable") {
      location.reload();
      return;
    }
    if (!isGood && "stale" in root.dataset) root.dataset.session = "out";
    tell(notice, "");
  } catch (error) {
    tell(notice, wordsFor(error));
  }
}

formatAll(document);
tick();
const button = document.getElementById("log-out");
button?.addEventListener("click", () => leave(button));
wake("layout");
for (const image of document.querySelectorAll(".picture img")) {
  const hide = () => image.remove(); // the drawn placeholder stands behind it
  if (image.complete && image.naturalWidth === 0) hide();
  else image.addEventListener("error", hide);
}
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) forget();
  tickCountdowns();
});
if (root.dataset.session === "renewable" || "stale" in root.dataset) renewLogIn();
