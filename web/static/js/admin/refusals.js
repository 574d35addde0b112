// Plain words for what the API refuses an admin: by its code, and by a field's message.

import { messagesOf, wordsFor } from "../common/problems.js";
import { _ } from "../common/words.js";

const WORDS = {
  product_in_use: _("A sale that is not over sells this product. End or cancel it first."),
  precondition_failed: _("Somebody else changed this meanwhile. Reload the page to see it."),
  illegal_transition: _("The sale is in another state by now, which does not allow this. Reload the page to see it."),
  allocation_too_small: _("That is fewer units than are held, sold or decided already."),
  not_refundable: _("The order is not paid (any more), so that there is nothing to give back."),
  cannot_ban: _("An admin's account cannot be banned."),
  not_failed: _("The task did not fail, or it is being tried again already."),
  already_staff: _("This account is among the staff already."),
  own_second_factor: _("Switch your own second factor off in your account, with a code."),
  cannot_erase: _("An account of the staff is erased by its owner, or once it has no role."),
};
const MESSAGES = {
  "Must be after opens_at.": _("Must be after the opening."),
  "Must not be after opens_at.": _("Must not be after the opening."),
  "A draw needs a lobby.": _("A draw needs a lobby: say when it opens."),
  "This cannot change once the sale was opened.": _("This cannot change once the sale was opened."),
  "Cannot be lowered once the sale was opened: some may hold more.": _("Cannot be lowered once the sale was opened: some may hold more."),
  "Not an ISO 4217 code, e.g. USD.": _("Write a currency's three letters, e.g. USD."),
  "Must be an http(s) URL or a path that begins with «/».": _("Write an address that begins with https:// or with «/»."),
};

/** Say in words what went wrong as a whole. */
export const refusal = (error) => WORDS[error.code] ?? wordsFor(error);

/** Say in words what is wrong with a field; what is not known here is told in the API's own words. */
export const fieldRefusal = (messages) => messagesOf([messages].flat().map((message) => MESSAGES[message] ?? message));
