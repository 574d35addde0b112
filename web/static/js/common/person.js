// Whom this page shows, and whether the browser is still logged in as that person: another tab may have changed it.

import { api, isRenewable, loginMark } from "./session.js";

let shown = ""; // their id, as the server said it first
let knownBy = ""; // the mark of the log-in by which that was so

/** Learn who is logged in with a mark. A page that shows somebody else loads again, and shows them. */
export function know(userId, mark = loginMark()) {
  shown ||= userId;
  if (userId !== shown) location.reload();
  else knownBy = mark;
}

/** Wait until it is sure that what is asked for now is asked in the name of whom the page shows. */
export async function beSure() {
  if (!shown || !isRenewable() || loginMark() === knownBy) return;
  const { id } = await api("/api/v1/me");
  know(id);
  if (id !== shown) await new Promise(() => {}); // the page is being loaded again
}
