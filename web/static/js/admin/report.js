// A report's page: has it made again, waits for one that is being made, and prints.

import { tell, wake } from "../common/dom.js";
import { api } from "../common/session.js";
import { wordsFor } from "../common/problems.js";
import { _ } from "../common/words.js";

const PERIOD_MS = 500;
const problem = document.getElementById("problem");
const pause = () => new Promise((resume) => setTimeout(resume, PERIOD_MS));

/** Wait until a task is over; then reload the page, or say that it failed. */
async function follow(id) {
  for (;;) {
    const { state } = await api(`/api/v1/tasks/${id}`);
    if (state === "SUCCESS") return location.reload();
    if (state === "FAILURE" || state === "REVOKED") return tell(problem, _("The report could not be made."));
    await pause();
  }
}

async function makeAgain(button) {
  const told = document.getElementById("told");
  tell(problem, "");
  tell(told, _("The report is being made…"));
  button.disabled = true;
  try {
    await follow((await api(`/api/v1/sales/${button.dataset.sale}/report`, { method: "POST" })).task_id);
  } catch (error) {
    tell(problem, wordsFor(error));
  } finally {
    tell(told, "");
    button.disabled = false;
  }
}

const waits = document.getElementById("waits");
if (waits) follow(waits.dataset.task).catch((error) => tell(problem, wordsFor(error)));
const again = document.getElementById("make-again");
again?.addEventListener("click", () => makeAgain(again));
document.getElementById("print")?.addEventListener("click", () => print());
wake("page");
