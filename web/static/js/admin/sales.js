// Owns the admin's page: the verbs on sales, and the forms for products and sales.

import { tell, wake } from "../dom.js";
import { now } from "../clock.js";
import { parseMoney } from "../format.js";
import { api } from "../session.js";
import { wordsFor } from "../problems.js";
import { watchAll } from "../shelf.js";

const take = watchAll();
const problem = document.getElementById("problem");

async function move(button) {
  const row = button.closest("[data-sale]");
  if (button.dataset.verb === "end" && !confirm("End this sale for good? Everybody still in line hears «sold out».")) return;
  tell(problem, "");
  button.disabled = true;
  try {
    take(await api(`/api/v1/sales/${row.dataset.sale}/${button.dataset.verb}`, { method: "POST" }));
    [...row.querySelectorAll("[data-verb]")].find((other) => !other.hidden)?.focus();
  } catch (error) {
    tell(problem, wordsFor(error));
  } finally {
    button.disabled = false;
  }
}

/** Read a price from a form; says so in the form where it is none. */
function readPrice(form, currency) {
  const field = form.elements.amount;
  const amount = parseMoney(field.value, currency);
  field.setCustomValidity(amount === null ? `Write an amount of ${currency}, e.g. 19.99` : "");
  return { amount_minor: amount, currency };
}

function readProduct(form) {
  const { name, description, image_url, currency } = Object.fromEntries(new FormData(form));
  const list_price = /^[A-Za-z]{3}$/.test(currency) ? readPrice(form, currency.toUpperCase()) : null;
  return { name: name.trim(), description, image_url: image_url || null, list_price };
}

function readSale(form) {
  const { product_id, opens_at, closes_at } = Object.fromEntries(new FormData(form));
  const number = (name) => Number(form.elements[name].value);
  return {
    product_id,
    price: readPrice(form, currencyOf(form)),
    allocation: number("allocation"),
    opens_at: opens_at && new Date(opens_at).toISOString(),
    closes_at: closes_at && new Date(closes_at).toISOString(),
    per_shopper_limit: number("per_shopper_limit"),
    hold_seconds: number("hold_seconds"),
  };
}

const currencyOf = (form) => form.elements.product_id.selectedOptions[0].dataset.currency;

function listen(form, path, read) {
  const told = form.querySelector(".problem");
  form.addEventListener("input", () => form.elements.amount.setCustomValidity(""));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    tell(told, "");
    const body = read(form);
    if (!form.reportValidity()) return;
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      await api(path, { method: "POST", body });
      location.reload();
    } catch (error) {
      tell(told, wordsFor(error));
      button.disabled = false;
    }
  });
}

/** A time as `datetime-local` wants it: the visitor's own, to the minute. */
function local(ms) {
  const at = new Date(ms);
  return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

for (const button of document.querySelectorAll("[data-verb]")) button.addEventListener("click", () => move(button));
listen(document.getElementById("product"), "/api/v1/products", readProduct);
const sale = document.getElementById("new-sale-form");
if (sale) {
  sale.elements.opens_at.value = local(now() + 300_000);
  sale.elements.closes_at.value = local(now() + 3_900_000);
  const name = () => (sale.querySelector("[data-slot='currency']").textContent = currencyOf(sale));
  sale.elements.product_id.addEventListener("change", name);
  listen(sale, "/api/v1/sales", readSale);
}
wake("page");
