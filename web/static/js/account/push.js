// Web push in this browser: allowed and taken back on the account's page, renewed at the next log-in.

import { api } from "../common/session.js";

const KEPT = "push"; // of `localStorage`: whose pushes this browser shows, and the id under which the shop knows it
const SCOPE = "/account/"; // the worker answers no request, so that no page needs it
const SUBSCRIPTIONS = "/api/v1/me/push-subscriptions";

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

export const isPossible = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const register = () => navigator.serviceWorker.register("/service-worker.js", { scope: SCOPE });

async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration(SCOPE);
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** Whether this browser shows what an account is told. */
export async function isOn(userId) {
  return isPossible() && Notification.permission === "granted" && kept().user === userId && (await subscription()) !== null;
}

async function active(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (worker.state === "activated") return;
  await new Promise((resolve) => worker.addEventListener("statechange", () => worker.state === "activated" && resolve()));
}

async function subscribe(manager, key) {
  const options = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await manager.subscribe(options);
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    await (await manager.getSubscription()).unsubscribe(); // it was made for an older key of the shop
    return manager.subscribe(options);
  }
}

async function hand(found, userId) {
  const { id } = await api(SUBSCRIPTIONS, { method: "POST", body: found.toJSON() });
  localStorage.setItem(KEPT, JSON.stringify({ user: userId, id }));
}

/** Ask for permission, which only a press may, and have the shop tell this browser; false where that is forbidden. */
export async function turnOn(userId, key) {
  if ((await Notification.requestPermission()) !== "granted") return false;
  const registration = await register();
  await active(registration);
  await hand(await subscribe(registration.pushManager, key), userId);
  return true;
}

/** Have this browser told nothing more. */
export async function turnOff() {
  const { id } = kept();
  localStorage.removeItem(KEPT);
  await (await subscription())?.unsubscribe();
  if (id) await remove(id);
}

/** Have a browser told nothing more, which may know it already. */
export async function remove(id) {
  try {
    await api(`${SUBSCRIPTIONS}/${id}`, { method: "DELETE" });
  } catch (error) {
    if (error.status !== 404) throw error;
  }
}

/** After a new log-in of the same account, be told again: the shop tells a browser as long as its log-in lasts. */
export async function resume() {
  const { user } = kept();
  if (!user || !isPossible() || Notification.permission !== "granted") return;
  const found = await subscription();
  const { id } = await api("/api/v1/me");
  if (found && id === user) await hand(found, user);
}
