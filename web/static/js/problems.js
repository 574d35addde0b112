// Owns the plain words for what the API refuses; what is not named here is told in the API's own words.

import { Unreachable } from "./session.js";
import { wait } from "./format.js";

const WORDS = {
  unauthenticated: "You are not logged in any more. Please log in again.",
  bad_credentials: "E-mail and password do not belong together.",
  email_taken: "There is an account with this e-mail already. You can log in with it.",
  no_such_sale: "This sale does not exist any more.",
  not_open: "The sale is not open right now.",
  sale_over: "This sale is over.",
  limit_reached: "With this you would pass the limit for one shopper.",
  already_in_line: "You stand in this line already.",
  already_decided: "Too late to leave: the verdict is there.",
  payment_in_progress: "A payment of this order is under way already.",
  already_paid: "This order is paid already.",
  order_not_held: "The hold has run out, so that it cannot be paid any more.",
  line_unavailable: "The line cannot be reached at the moment. You were not put in line; please try again.",
  ledger_unavailable: "The shop cannot be reached at the moment. Please try again.",
  forbidden: "This is not yours to do.",
};
const FIELDS = {
  email: "E-mail",
  password: "Password",
  name: "Name",
  quantity: "Quantity",
  image_url: "Picture",
  "list_price.amount_minor": "List price",
  "list_price.currency": "Currency",
  "price.amount_minor": "Price",
  "price.currency": "Currency",
  price: "Price",
  allocation: "Units",
  opens_at: "Opens",
  closes_at: "Closes",
  per_shopper_limit: "Limit",
  hold_seconds: "Hold",
};

/** Say in words what went wrong. */
export function wordsFor(error) {
  if (error instanceof Unreachable) return "The shop cannot be reached. Please check your connection and try again.";
  const fields = Object.entries(error.errors ?? {});
  if (fields.length) return fields.map(([name, messages]) => `${FIELDS[name] ?? name}: ${[messages].flat().join(" ")}`).join(" ");
  if (error.code === "too_many_requests") return `That was a bit much. Please try again in ${wait(error.retryAfterMs / 1000)}.`;
  return WORDS[error.code] ?? error.message;
}
