// A sale's page: joins what is known (Watch), what is shown (Panel) and what is done (purchase).

import { Watch } from "./watch.js";
import { Panel, showLink } from "./panel.js";
import { cancel, leave, pay, submit } from "./purchase.js";
import { startFollows } from "./follow.js";
import { showFigures } from "./figures.js";
import { tell, wake } from "../common/dom.js";
import { now } from "../common/clock.js";
import { wait } from "../common/format.js";
import { api, goToLogIn } from "../common/session.js";
import { wordsFor } from "../common/problems.js";
import { _ } from "../common/words.js";

const state = JSON.parse(document.getElementById("state").textContent);
const root = document.querySelector("article.sale");
const problem = document.getElementById("problem");
const form = document.getElementById("buy");
const watch = new Watch(state);
const panel = new Panel(document.getElementById("panel"), state.order_notes);
const card = state.stripe && new (await import("./stripe_card.js")).CardForm(document.getElementById("card"), state.stripe);
let isSending = false;
let wantsMore = false;
let isCardShown = false;
let begun = ""; // the order whose payment was begun here: its bank is answered without another press
const answered = new Set(); // client secrets

function show() {
  showFigures(root, watch.sale);
  const { sale, intent, order, isSignedIn, isKnown } = watch;
  panel.show({ sale, intent, order, isSending, wantsMore, isSignedIn, isKnown });
  document.getElementById("unknown").hidden = !watch.isUnreadable;
  if (card && order) showPaying(order);
}

const isFree = (order) => order.total.amount_minor === 0;

/** Stripe's form while there is something to pay, and its bank's question while there is one to answer. */
function showPaying(order) {
  if (order.status === "held" && !isCardShown && !isFree(order)) {
    isCardShown = true;
    card.show(order.total).catch(fail);
  }
  const isAsked = order.status === "paying" && order.payment?.next_step === "authenticate";
  const button = document.getElementById("answer-bank");
  button.parentElement.hidden = !isAsked;
  if (isAsked && begun === order.id && !answered.has(order.payment.client_secret)) button.click();
}

function answerBank() {
  const secret = watch.order.payment.client_secret;
  answered.add(secret);
  return card.answerBank(secret);
}

function readRequest() {
  const fields = new FormData(form);
  const request = { quantity: Number(fields.get("quantity")) };
  if (fields.get("accept_fewer")) request.accept_fewer = true;
  return request;
}

function sayWait(ms) {
  const words = _("The shop is very busy. Trying again in {time}…", { time: wait(ms / 1000) });
  for (const node of document.querySelectorAll("[data-slot='sending']")) node.textContent = words;
}

function fail(error) {
  if (error.status === 401) goToLogIn();
  tell(problem, wordsFor(error));
  const again = document.getElementById("resend");
  if (again) again.hidden = error.code !== "email_not_verified";
}

async function resend() {
  const { email } = await api("/api/v1/me");
  await api("/api/v1/auth/verify/resend", { method: "POST", body: { email } });
  tell(problem, _("The link is on its way to {email}. Press again here once you have used it.", { email }));
}

async function buy(event) {
  event.preventDefault();
  if (isSending) return;
  isSending = true;
  show();
  try {
    const intent = await submit(watch.live, watch.sale.sale_id, readRequest(), sayWait);
    wantsMore = false;
    isSending = false;
    watch.takeIntent(intent);
    show(); // also where the socket told more than the answer knows
  } catch (error) {
    isSending = false;
    show();
    fail(error);
  }
}

/** Do what a button says; meanwhile it is disabled, so that it is not pressed twice, and loses the focus. */
async function act(button, perform) {
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  tell(problem, "");
  try {
    await perform();
  } catch (error) {
    fail(error);
  } finally {
    button.disabled = false;
    if (hadFocus && [document.body, button].includes(document.activeElement)) panel.keepFocus(button);
  }
}

const leaveLine = async () => watch.takeIntent(await leave(watch.intent.id));

async function cancelOrder() {
  if (confirm(_("Give it back? It goes to the next in line."))) watch.takeOrder(await cancel(watch.order.id));
}

async function payOrder(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const { order } = watch;
  await act(form.querySelector("button[type=submit]"), async () => {
    const method = isFree(order) ? "free" : card ? await card.token(order.total) : new FormData(form).get("method");
    begun = order.id;
    watch.takeOrder(await pay(order.id, method), { isNews: false });
  });
}

function startAgain() {
  wantsMore = true;
  show();
  form.querySelector("input:not([type=hidden]), button").focus();
}

watch.addEventListener("change", show);
watch.addEventListener("change", () => document.getElementById("age")?.remove(), { once: true });
watch.addEventListener("link", () => showLink(document.getElementById("link"), watch.link));
form.addEventListener("submit", buy);
form.addEventListener("input", show);
document.getElementById("pay").addEventListener("submit", payOrder);
document.getElementById("answer-bank")?.addEventListener("click", (event) => act(event.currentTarget, answerBank));
document.getElementById("resend")?.addEventListener("click", (event) => act(event.currentTarget, resend));
document.getElementById("leave").addEventListener("click", (event) => act(event.currentTarget, leaveLine));
document.getElementById("cancel").addEventListener("click", (event) => act(event.currentTarget, cancelOrder));
for (const button of document.querySelectorAll("[data-buy-again]")) button.addEventListener("click", startAgain);
showLink(document.getElementById("link"), watch.link);
show();
wake("page");
startFollows();
const lobby = Date.parse(watch.sale.lobby_opens_at) - now();
if (lobby > 0 && lobby < 2 ** 31) setTimeout(show, lobby + 500);
