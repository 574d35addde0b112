// Reloads pages of work in progress when it has got further.

import { api } from "../common/session.js";

const ASK_MS = 2_000;
const OVER = [401, 403, 404]; // the page itself says best what that means

/** Ask for what the page's `data-moving` names, until the field that it names is not as it was seen. */
export function reloadWhenChanged() {
  const node = document.querySelector("[data-moving]");
  if (!node) return;
  const { moving, field, seen } = node.dataset;
  const hasMoved = async () => {
    if (document.hidden || document.querySelector(".confirming")) return false; // nobody looks, or a dialog is open
    try {
      const answer = await api(moving);
      return field.split(" ").map((name) => answer[name] ?? "").join(" ") !== seen;
    } catch (error) {
      return OVER.includes(error.status);
    }
  };
  const look = async () => {
    if (await hasMoved()) location.reload();
    else wait();
  };
  const wait = () => setTimeout(look, ASK_MS * (0.75 + Math.random() / 2));
  wait();
}
