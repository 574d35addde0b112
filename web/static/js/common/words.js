// The scripts' texts: written in English where they are used, shown in the page's language.

/** The page's language, unless something has put what is none in its place. */
export const language = known([document.documentElement.lang])[0] ?? "en";

/** Those tags that Intl takes; others it refuses with an error, as `C` or `en-US@posix`, which some systems hand to a browser. */
export function known(tags) {
  const names = [...tags].map((tag) => String(tag).replace(/[.@].*$/, "").replace(/_/g, "-"));
  return names.filter((name) => {
    try {
      return Intl.getCanonicalLocales(name).length > 0;
    } catch {
      return false;
    }
  });
}

const catalogue = JSON.parse(document.getElementById("words")?.textContent ?? "{}");
const plural = new Intl.PluralRules(language);
// A catalogue has a plural's forms in this order, browsers name a language's categories in any.
const categories = ["zero", "one", "two", "few", "many", "other"].filter((name) => plural.resolvedOptions().pluralCategories.includes(name));

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** Say something, e.g. `_("Ticket {ticket}", { ticket: 7 })`. */
export const _ = (words, values = {}) => fill(catalogue[words] || words, values);

/** Say something of a number of things, e.g. `ngettext("{n} unit", "{n} units", 3, { n: "3" })`. */
export function ngettext(one, many, number, values = {}) {
  const forms = catalogue[one] ?? [one, many];
  const form = catalogue[one] ? categories.indexOf(plural.select(number)) : Number(number !== 1);
  return fill(forms[Math.min(form, forms.length - 1)], values);
}
