// Keeps one card for times without a network: its page as it was seen last, and
// the pictures and scripts that this page names. Another card has another one.
"use strict";
const link = new URL(self.registration.scope).pathname;
const name = "styk-card " + link;
const patience = 4000; // ms that a network may take before the kept page is shown

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(fetch(link, { cache: "no-store" }).then(keep).catch(() => {}));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method != "GET" || url.origin != location.origin) return;
  if (url.pathname == link) event.respondWith(page(event));
  else if (url.searchParams.has("v")) event.respondWith(part(request));
});

// page gives the newest page; the kept one when it does not come.
async function page(event) {
  const fresh = fetch(event.request).then(async (answer) => {
    if (answer.status == 404 || answer.status == 410) await caches.delete(name);
    else if (answer.ok) event.waitUntil(keep(answer.clone()));
    else throw new Error(String(answer.status));
    return answer;
  });
  fresh.catch(() => {});
  const cache = await caches.open(name);
  const old = await cache.match(link);
  if (!old) return fresh;
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("late")), patience));
  return Promise.race([fresh, late]).catch(() => old);
}

// keep stores a page with all that it names, and lets go what it no longer does.
async function keep(answer) {
  if (!answer.ok) return;
  const text = await answer.clone().text();
  const cache = await caches.open(name);
  const named = new Set([...text.matchAll(/(?:src|href)="([^"]+\?v=[^"]+)"/g)].map((m) => new URL(m[1], location.origin).href));
  await Promise.all([...named].map(async (address) => {
    if (!(await cache.match(address))) await cache.add(address);
  }));
  await cache.put(link, answer);
  for (const request of await cache.keys()) {
    if (new URL(request.url).pathname != link && !named.has(request.url)) await cache.delete(request);
  }
}

async function part(request) {
  const cache = await caches.open(name);
  return (await cache.match(request)) || fetch(request);
}
