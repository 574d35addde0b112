// An order's page: polls while the order may still change, and reloads when it has.

import { api } from "../common/session.js";

const ASK_MS = 4_000;
const MOVING = ["held", "paying"];
const { order } = JSON.parse(document.getElementById("state").textContent);

async function look() {
  if (!document.hidden) {
    try {
      const newer = await api(`/api/v1/orders/${order.id}`);
      if (newer.history.length > order.history.length) return location.reload();
    } catch (error) {
      if (error.status === 404) return location.reload();
    }
  }
  wait();
}

const wait = () => setTimeout(look, ASK_MS * (0.75 + Math.random() / 2));
if (MOVING.includes(order.status)) wait();
