"""The fake's script for browsers: as much of Stripe.js as the sale's page uses, and its frame."""

from typing import Final

SCRIPT: Final = """
window.Stripe = (key) => {
  const home = new URL(document.querySelector('script[src$="/v3/"]').src).origin;
  const said = (window.__stripe ??= { key, amounts: [], mounted: 0 });
  let card = "";
  const listen = (event) => { if (event.origin === home && event.data.card) card = event.data.card; };
  addEventListener("message", listen);
  return {
    elements(options) {
      said.options = options;
      said.amounts.push(options.amount);
      return {
        create(kind) {
          return {
            mount(node) {
              const frame = document.createElement("iframe");
              frame.src = `${home}/frame/${kind}`;
              frame.title = "Card";
              node.append(frame);
              said.mounted += 1;
            },
            on() {},
          };
        },
        update(more) { said.amounts.push(more.amount); },
        async submit() { return card ? {} : { error: { message: "Your card number is incomplete." } }; },
      };
    },
    async createConfirmationToken({ elements, params }) {
      said.returnUrl = params.return_url;
      return { confirmationToken: { id: `ctoken_${card}` } };
    },
    async handleNextAction({ clientSecret }) {
      const name = clientSecret.split("_secret_")[0];
      const answer = confirm("Is it you?") ? "yes" : "no";
      await fetch(`${home}/browser/${name}`, { method: "POST", body: answer });
      document.documentElement.dataset.answered = name;
      return answer === "yes" ? { paymentIntent: {} } : { error: { message: "Your bank did not agree." } };
    },
  };
};
"""


def frame(kind: str) -> str:
    """The page in the frame: it knows the card, and the shop's page does not."""
    return f"""<!doctype html><title>{kind}</title><label>Card <input id="card"></label><script>
const input = document.getElementById("card");
input.addEventListener("input", () => parent.postMessage({{ card: input.value }}, "*"));
</script>"""
