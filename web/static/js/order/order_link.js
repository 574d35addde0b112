// An order by a link that was mailed. The link is used up by a press, since mail scanners open links and run pages;
// the pass that it is exchanged for stays in this tab, and is good for this order alone.

import { fill, putMoney, showWhen, tell, tellWhy, wake } from "../common/dom.js";
import { count } from "../common/format.js";
import { wordsFor } from "../common/problems.js";
import { api } from "../common/session.js";
import { _ } from "../common/words.js";

const ASK_MS = 2_000;
const MOVING = ["held", "paying"];
const PLACE = "order-pass";
const ROUTES = "/api/v1/order-links";

const root = document.getElementById("linked");
const problem = document.getElementById("problem");
const form = document.getElementById("pay");
const bank = document.getElementById("answer-bank");
const state = JSON.parse(document.getElementById("state").textContent);
const CardForm = state.stripe && (await import("../sale/stripe_card.js")).CardForm;
const answered = new Set(); // what the bank asked already
let opened = remembered();
let order = null;
let card = null; // Stripe's form, once the order's currency is known
let key = null; // of the payment that was not answered yet: a second press is the same payment
let isCardShown = false;

const ask = (path, options = {}) =>
  api(`${ROUTES}/order${path}`, { ...options, headers: { ...options.headers, Authorization: `Bearer ${opened.order_pass}` } });

const isFree = () => order.total.amount_minor === 0;

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  } catch {
    return null;
  }
}

function remember() {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(opened));
  } catch {
    // then it is open until the page is left
  }
}

function showPart(name) {
  for (const part of root.querySelectorAll("[data-part]")) part.hidden = part.dataset.part !== name;
}

async function open() {
  opened = await api(ROUTES, { method: "POST", body: { token: location.hash.slice(1) } });
  history.replaceState(null, "", location.pathname);
  remember();
  await look();
  root.querySelector("[data-slot=item]").focus();
}

function show(newer) {
  if (order && newer.history.length < order.history.length) return;
  order = newer;
  showPart("open");
  fill(root, "item", opened.item);
  fill(root, "quantity", count(order.quantity));
  fill(root, "order_id", order.id.slice(-8));
  fill(root, "receipt", order.receipt_number ?? "");
  putMoney(root.querySelector("data.unit"), order.unit_price);
  for (const node of root.querySelectorAll("data.order-total")) putMoney(node, order.total);
  document.getElementById("expires").dateTime = order.expires_at;
  for (const node of form.querySelectorAll("[data-cost]")) node.hidden = node.dataset.cost !== (isFree() ? "none" : "some");
  showWhen(root, "order", order.status);
  sayWhy();
  showBank();
}

/** Why the last change happened, where it was no step of one's own. */
function sayWhy() {
  const { status, reason } = order.history[order.history.length - 1];
  const words = reason ? (state.order_notes.reasons[reason] ?? state.order_notes.others[status]) : "";
  tellWhy(root.querySelector("[data-slot=note]"), status, words);
}

function showBank() {
  if (!CardForm) return;
  card ??= new CardForm(document.getElementById("card"), { ...state.stripe, scale: opened.card_scale });
  if (order.status === "held" && !isCardShown && !isFree()) {
    isCardShown = true;
    card.show(order.total).catch(fail);
  }
  const isAsked = order.status === "paying" && order.payment?.next_step === "authenticate";
  bank.parentElement.hidden = !isAsked;
  if (isAsked && key && !answered.has(order.payment.client_secret)) bank.click();
}

async function look() {
  show(await ask(""));
}

async function lookAgain() {
  if (order && MOVING.includes(order.status) && !document.hidden) await look().catch(fail);
  setTimeout(lookAgain, ASK_MS * (0.75 + Math.random() / 2));
}

function fail(error) {
  if (error.code === "link_spent") return showPart("spent");
  tell(problem, wordsFor(error));
}

async function act(button, perform) {
  button.disabled = true;
  tell(problem, "");
  try {
    await perform();
  } catch (error) {
    fail(error);
  } finally {
    button.disabled = false;
  }
}

async function pay() {
  const method = isFree() ? "free" : card ? await card.token(order.total) : new FormData(form).get("method");
  key ??= crypto.randomUUID?.() ?? String(Math.random());
  try {
    show(await ask("/payments", { method: "POST", body: { method }, headers: { "Idempotency-Key": key } }));
    key = order.status === "paying" ? key : null;
  } catch (error) {
    if (error.status < 500) key = null;
    throw error;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  key = order.status === "held" && order.history.length > 1 ? null : key; // after a decline another payment
  act(form.querySelector("[type=submit]"), pay);
});
document.getElementById("give-back").addEventListener("click", (event) =>
  act(event.currentTarget, async () => {
    if (confirm(_("Give it back? It goes to the next in line."))) show(await ask("/cancel", { method: "POST" }));
  }),
);
bank.addEventListener("click", () =>
  act(bank, () => {
    answered.add(order.payment.client_secret);
    return card.answerBank(order.payment.client_secret);
  }),
);
document.getElementById("open").addEventListener("click", (event) => act(event.currentTarget, open));

wake("page");
if (location.hash) showPart("closed");
else if (opened) look().catch(fail);
else showPart("spent");
lookAgain();
