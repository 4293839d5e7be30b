// The page of one loyalty card: the newest balance while it is open, the code
// over the whole screen, the card on the home screen and without a network.
"use strict";
(() => {
  const html = document.documentElement;
  const { link, look } = html.dataset;
  const revision = Number(html.dataset.revision);
  const all = (what) => [...document.querySelectorAll(what)];
  const one = (what) => document.querySelector(what);

  // An iPad says that it is a Mac.
  let device = html.dataset.device;
  if (device == "desktop" && /Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1) device = "iphone";
  for (const part of all("[data-for]")) part.hidden = part.dataset.for != device;
  for (const part of all("[data-not]")) part.hidden = part.dataset.not == device;

  // What was known last stays on the phone for times without a network. The
  // store may be forbidden: then there is none.
  const kept = {
    name: "styk-card " + link,
    read(what) { try { return JSON.parse(localStorage.getItem(this.name + " " + what)); } catch { return null; } },
    write(what, value) { try { localStorage.setItem(this.name + " " + what, JSON.stringify(value)); } catch { /* none */ } },
    forget() { try { for (const what of ["state", "device"]) localStorage.removeItem(this.name + " " + what); } catch { /* none */ } },
  };

  const time = (at) => {
    const then = new Date(at), today = new Date().toDateString() == then.toDateString();
    return then.toLocaleString(html.lang, today ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
  };
  let at = html.dataset.at;
  const tellTime = () => {
    for (const t of all("[data-at-time]")) { t.dateTime = at; t.textContent = time(at); }
    one("[data-at-line]").hidden = false;
  };
  const offline = (yes) => {
    const news = one("[data-news]");
    news.hidden = !yes;
    const text = yes ? `${news.dataset.offline} ${time(at)}` : "";
    if (news.textContent != text) news.textContent = text;
  };

  function show(texts) {
    for (const place of all("[data-text]")) {
      const text = texts[place.dataset.text];
      if (text === undefined || place.textContent == text) continue;
      place.textContent = text;
      const row = place.closest("[data-row]");
      if (row) row.hidden = text == "";
      if ("balance" in place.dataset) place.dataset.size = text.length > 16 ? "s" : text.length > 9 ? "m" : "l";
      place.classList.remove("changed");
      void place.offsetWidth; // begin the movement anew
      place.classList.add("changed");
    }
  }

  // anew loads the page again for what cannot be changed in place, but does not
  // go round: a slow network may bring the kept page once more.
  function anew(reason) {
    const last = "styk-card anew " + reason;
    try {
      if (Date.now() - Number(sessionStorage.getItem(last)) < 60000) return;
      sessionStorage.setItem(last, String(Date.now()));
    } catch { return; }
    location.replace(link);
  }

  const patience = () => AbortSignal.timeout ? AbortSignal.timeout(10000) : undefined; // an older phone waits as long as it likes
  let tag = "", asking = false;
  async function ask() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(link + "/state", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store", signal: patience() });
      if (answer.status == 404 || answer.status == 410) {
        kept.forget();
        return anew("gone");
      }
      if (answer.status == 200) {
        const state = await answer.json();
        if (state.look != look) return anew(state.look);
        tag = answer.headers.get("ETag") || "";
        at = state.at;
        show(state.texts);
        kept.write("state", state);
      } else if (answer.status == 304) {
        at = new Date(answer.headers.get("Date") || Date.now()).toISOString();
        kept.write("state", { ...kept.read("state"), at });
      } else {
        throw new Error(String(answer.status));
      }
      offline(false);
    } catch {
      const state = kept.read("state");
      if (state && state.look == look && state.revision >= revision) {
        at = state.at;
        show(state.texts);
      }
      offline(true);
    } finally {
      asking = false;
      tellTime();
    }
  }
  const every = 15000; // ms, while somebody looks
  setInterval(() => { if (!document.hidden) ask(); }, every);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  for (const event of ["online", "offline"]) addEventListener(event, ask);
  tellTime();
  ask();

  // The code over the whole screen, which then stays lit.
  const full = one("[data-full]");
  if (full && full.showModal) {
    let lock;
    const lit = async () => { try { lock = await navigator.wakeLock.request("screen"); } catch { /* it may go dark */ } };
    one("[data-open]").addEventListener("click", () => { full.showModal(); lit(); });
    for (const part of [one("[data-close]"), one(".full-code")]) part.addEventListener("click", () => full.close());
    full.addEventListener("close", () => { if (lock) lock.release().catch(() => {}); lock = undefined; });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && full.open) lit(); });
  }

  // On the home screen.
  const standalone = matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;
  const installed = () => {
    let name = kept.read("device");
    if (!name) {
      name = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
      kept.write("device", name);
    }
    fetch(link + "/installed", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ device: name }) }).catch(() => {});
  };
  const button = one("[data-install]");
  let offer;
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer = event;
    button.hidden = false;
    for (const part of all("[data-menu]")) part.hidden = true;
  });
  button.addEventListener("click", async () => {
    if (!offer) return;
    await offer.prompt();
    offer = undefined;
    button.hidden = true;
  });
  addEventListener("appinstalled", () => { button.hidden = true; installed(); });
  if (standalone) {
    installed();
    for (const part of all("[data-menu], [data-for=android]")) part.hidden = true;
  }

  // A computer may be anybody's: there nothing is kept unless it was asked for.
  if ("serviceWorker" in navigator && (device != "desktop" || standalone)) {
    navigator.serviceWorker.register(link + "/sw.js", { scope: link }).catch(() => {});
  }
})();
