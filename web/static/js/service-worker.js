// The service worker: shows what is pushed, and opens its page on a press. It answers no request of any page.

/** Only a page of ours is opened, whatever is said. */
function pageOf(data) {
  const url = new URL(data?.page ?? "/", self.location.origin);
  return url.origin === self.location.origin ? url.href : self.location.origin;
}

function read(event) {
  try {
    return event.data.json();
  } catch {
    return {}; // something has to be shown for every push, or the browser shows words of its own
  }
}

async function open(url) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const shown = pages.find((page) => page.url === url);
  return shown ? shown.focus() : self.clients.openWindow(url);
}

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("push", (event) => {
  const said = read(event);
  const shown = { body: said.body ?? "", tag: said.tag, lang: said.lang ?? "", data: { page: said.page } };
  event.waitUntil(self.registration.showNotification(said.title ?? self.location.hostname, shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(pageOf(event.notification.data)));
});
