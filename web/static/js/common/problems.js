// Plain words for what the API refuses; what is not named here is told in the API's own words.

import { NotKept, Unreachable } from "./session.js";
import { wait } from "./format.js";
import { _ } from "./words.js";

const WORDS = {
  unauthenticated: _("You are not logged in any more. Please log in again."),
  bad_credentials: _("E-mail and password do not belong together."),
  bad_code: _("The code is wrong, or was used before. Every code of the app is good once: wait for the next one."),
  second_factor_required: _("Now the code of your second factor, please."),
  second_factor_missing: _("Staff need a second factor here. You switch it on in your account, under Security."),
  confirmation_required: _("It was not confirmed that it is you, so that nothing was done."),
  second_factor_on: _("Your account has a second factor already."),
  no_second_factor: _("The account has no second factor."),
  terms_not_accepted: _("Please accept the shop's terms first."),
  banned: _("This account is banned; please write to the shop."),
  last_owner: _("Somebody has to be an owner. Make another one first."),
  other_account: _("The invitation is for another account. Please log in as that one."),
  email_taken: _("There is an account with this e-mail already. You can log in with it."),
  no_such_sale: _("This sale does not exist any more."),
  not_open: _("The sale is not open right now."),
  sale_over: _("This sale is over."),
  limit_reached: _("With this you would pass the limit for one shopper."),
  already_in_line: _("You stand in this line already."),
  already_decided: _("Too late to leave: the verdict is there."),
  payment_in_progress: _("A payment of this order is under way already."),
  already_paid: _("This order is paid already."),
  order_not_held: _("The hold has run out, so that it cannot be paid any more."),
  line_unavailable: _("The line cannot be reached at the moment. You were not put in line; please try again."),
  ledger_unavailable: _("The shop cannot be reached at the moment. Please try again."),
  email_not_verified: _("This sale asks for a confirmed e-mail address. Please use the link in the mail, then press again."),
  link_spent: _("This link was used before, or has expired. Please ask for a new one."),
  no_mail: _("This shop sends no mail."),
  forbidden: _("This is not yours to do."),
  not_found: _("It is not there any more."),
  unknown_method: _("This way to pay is not offered any more. Please reload the page."),
  busy: _("Many people are logging in just now. Please try again in a moment."),
  unavailable: _("The shop cannot be reached at the moment. Please try again."),
  internal_error: _("Something broke in the shop; it was written down. Please try again."),
};
const MESSAGES = {
  "Must not contain control characters.": _("Must not contain control characters."),
  "Must not contain control or invisible characters.": _("Must not contain control or invisible characters."),
  "Must be one line, without tabs.": _("Must be one line, without tabs."),
  "This is among the passwords that are tried first.": _("This is among the passwords that are tried first."),
  "This is made of your name or your e-mail address.": _("This is made of your name or your e-mail address."),
  "This is too easy to guess; take several words that do not belong together.": _("This is too easy to guess; take several words that do not belong together."),
  "This is not your present password.": _("This is not your present password."),
};
const FIELDS = {
  email: _("E-mail"),
  password: _("Password"),
  name: _("Name"),
  quantity: _("Quantity"),
  image_url: _("Picture"),
  "list_price.amount_minor": _("List price"),
  "list_price.currency": _("Currency"),
  "price.amount_minor": _("Price"),
  "price.currency": _("Currency"),
  price: _("Price"),
  allocation: _("Units"),
  opens_at: _("Opens"),
  closes_at: _("Closes"),
  per_shopper_limit: _("Limit"),
  hold_seconds: _("Hold"),
};

/** Say in words what is wrong with a field; what is not known here is told in the API's own words. */
export const messagesOf = (messages) => [messages].flat().map((message) => MESSAGES[message] ?? message).join(" ");

/** Say in words what went wrong. */
export function wordsFor(error) {
  if (error instanceof Unreachable) return _("The shop cannot be reached. Please check your connection and try again.");
  if (error instanceof NotKept) return _("Your browser keeps no cookies of this shop, so that you cannot stay logged in. Please allow cookies for this site, then log in.");
  const fields = Object.entries(error.errors ?? {});
  if (fields.length) return fields.map(([name, messages]) => _("{name}: {what}", { name: FIELDS[name] ?? name, what: messagesOf(messages) })).join(" ");
  if (error.code === "too_many_requests") return _("That was a bit much. Please try again in {time}.", { time: wait(error.retryAfterMs / 1000) });
  return WORDS[error.code] ?? error.message;
}
