// Before the first paint of a page that is the same for everybody: who looks at it, told by cookies without a secret.
// Not a module, which would come after the paint.

(() => {
  const root = document.documentElement;
  const cookies = new Map();
  try {
    for (const pair of document.cookie.split("; ")) {
      const at = pair.indexOf("=");
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  } catch {
    // cookies are blocked: nobody is logged in
  }
  const cookie = (name) => cookies.get((root.dataset.cookiePrefix || "") + name) || "";
  const isFresh = cookie("fs_csrf") !== "";
  root.dataset.session = isFresh || cookie("fs_refresh_csrf") ? "in" : "out";
  if (!isFresh && root.dataset.session === "in") root.dataset.stale = "";
  if (root.dataset.session === "in" && cookie("fs_role") === "admin") root.dataset.role = "admin";
  const language = cookie("fs_language");
  const [visit] = performance.getEntriesByType("navigation");
  if (language && language !== root.lang && !location.search.includes("language=")) {
    location.replace(`?language=${encodeURIComponent(language)}${location.hash}`); // the page is from a cache that looks at no cookie
  } else if (visit && visit.type === "back_forward") {
    location.reload(); // going back, a browser shows what it has kept, however old
  }
})();
