// Stripe's form on a sale's page. What is entered stays in Stripe's frame; out of it comes a token.

import { _ } from "../common/words.js";

const UNLOADED = _("The card form could not be loaded. Something may keep the page from reaching Stripe; please try again.");

export class CardForm {
  #place;
  #settings; // `{key, script, scale}`: scale writes an amount of ours as Stripe does
  #stripe;
  #elements;
  #mounted;

  constructor(place, settings) {
    this.#place = place;
    this.#settings = settings;
  }

  /** Show the form for an amount. If that fails, `token` tries again. */
  show(total) {
    this.#mounted ??= this.#mount(total);
    return this.#mounted;
  }

  /** Ask for a token of what was entered, good for one payment; raises an Error whose message is for the shopper. */
  async token(total) {
    await this.show(total).catch(() => {
      this.#mounted = null;
      return this.show(total);
    });
    this.#elements.update({ amount: this.#written(total) });
    const { error: unfit } = await this.#elements.submit();
    if (unfit) throw new Error(unfit.message);
    const params = { return_url: location.href };
    const { error, confirmationToken } = await this.#stripe.createConfirmationToken({ elements: this.#elements, params });
    if (error) throw new Error(error.message);
    return confirmationToken.id;
  }

  /** Let the shopper's bank ask them; the outcome comes from the shop. */
  async answerBank(clientSecret) {
    await this.#load();
    const { error } = await this.#stripe.handleNextAction({ clientSecret });
    if (error) throw new Error(error.message);
  }

  async #mount(total) {
    await this.#load();
    const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "stripe";
    this.#elements = this.#stripe.elements({
      mode: "payment",
      amount: this.#written(total),
      currency: total.currency.toLowerCase(),
      appearance: { theme },
    });
    this.#elements.create("payment").mount(this.#place);
  }

  async #load() {
    if (this.#stripe) return;
    if (!globalThis.Stripe) await fetchScript(this.#settings.script);
    this.#stripe = globalThis.Stripe(this.#settings.key);
  }

  #written(total) {
    return Math.round(total.amount_minor * this.#settings.scale);
  }
}

function fetchScript(url) {
  const script = document.createElement("script");
  script.src = url;
  const loaded = new Promise((resolve, reject) => {
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(UNLOADED)));
  });
  document.head.append(script);
  return loaded;
}
