// A loyalty card's page as its holder meets it: on an iPhone, on an Android
// phone, on a computer, and at a till without a network.
"use strict";
const { assert, check, run, shot, axe, STYK } = require("../browser/harness.js");

const { CARD, LINK, LONG, SHORT } = process.env;
const iphone = {
  userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
  viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true,
};
const android = {
  userAgent: "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
  viewport: { width: 412, height: 915 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true,
};
const post = (path) => fetch(STYK + path, { method: "POST" });
const balance = (page) => page.locator("[data-balance]");
const installed = async (card) => (await fetch(`${STYK}/_test/installed?card=${card}`)).json();

for (const theme of ["light", "dark"]) {
  check(`iPhone, ${theme}: the card and the way into Wallet`, { ...iphone, colorScheme: theme }, async (page) => {
    await page.goto(STYK + LINK);
    await page.getByRole("link", { name: "Добавить в Apple Wallet" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Добавить в Apple Wallet" }).getAttribute("href"), LINK + ".pkpass");
    await page.getByText("пробным сертификатом").waitFor();
    assert.equal(await page.getByText("Откройте карту на телефоне").isVisible(), false);
    await axe(page);
    await shot(page, `iphone ${theme}`);
    await page.getByText("Подробнее").click();
    await axe(page);
    await shot(page, `iphone ${theme} more`);
    await page.getByRole("button", { name: /Показать штрихкод/ }).click();
    await page.getByRole("dialog").waitFor();
    await page.waitForTimeout(300); // it appears softly
    await axe(page);
    await page.evaluate(() => scrollTo(0, 0));
    await shot(page, `iphone ${theme} full screen`);
    assert.equal(await page.getByRole("dialog").evaluate((d) => getComputedStyle(d).backgroundColor), "rgb(255, 255, 255)");
    await page.getByRole("button", { name: "Закрыть" }).click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  });

  check(`Android, ${theme}: the card itself first`, { ...android, colorScheme: theme }, async (page) => {
    await page.goto(STYK + LINK);
    await page.getByText("Чтобы карта была под рукой").waitFor();
    assert.equal(await page.getByRole("link", { name: "Добавить в Apple Wallet" }).isVisible(), false);
    await axe(page);
    await shot(page, `android ${theme}`);
  });

  check(`computer, ${theme}: the card and a code that opens it on the phone`, { colorScheme: theme }, async (page) => {
    await page.goto(STYK + LINK);
    await page.getByRole("img", { name: "QR-код со ссылкой на карту" }).waitFor();
    assert.equal(await page.getByText("Чтобы карта была под рукой").isVisible(), false);
    await axe(page);
    await shot(page, `desktop ${theme}`);
    assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0, "a computer keeps nothing");
  });
}

check("320 px: nothing is cut off, long and short values fit", { ...android, viewport: { width: 320, height: 640 } }, async (page) => {
  for (const [name, link] of [["usual", LINK], ["long", LONG], ["short", SHORT]]) {
    await page.goto(STYK + link);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, name);
    await axe(page);
    await shot(page, `320 ${name}`);
  }
});

check("a long code is turned along the screen", iphone, async (page) => {
  await page.goto(STYK + LONG);
  await page.getByRole("button", { name: /Показать штрихкод/ }).click();
  await page.waitForTimeout(300);
  await shot(page, "iphone long full screen");
  const box = await page.locator(".full-code svg").boundingBox();
  assert.ok(box.height > box.width * 1.5 && box.x >= 0 && box.x + box.width <= 390, JSON.stringify(box));
});

check("an iPad that says it is a Mac is offered Wallet", { ...iphone, viewport: { width: 820, height: 1180 }, userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15" }, async (page) => {
  await page.addInitScript(() => Object.defineProperty(navigator, "maxTouchPoints", { value: 5 }));
  await page.goto(STYK + LINK);
  await page.getByRole("link", { name: "Добавить в Apple Wallet" }).waitFor();
  assert.equal(await page.getByText("Откройте карту на телефоне").isVisible(), false);
  await shot(page, "ipad");
});

check("English by the switch, and back", { ...iphone }, async (page) => {
  await page.goto(STYK + LINK);
  await page.getByRole("link", { name: "English" }).click();
  await page.getByRole("link", { name: "Add to Apple Wallet" }).waitFor();
  await page.getByText("Points").waitFor();
  await axe(page);
  await shot(page, "iphone english");
  await page.getByRole("link", { name: "Русский" }).click();
  await page.getByText("Бонусы", { exact: true }).waitFor();
});

check("by keyboard: the code opens and Escape closes it", async (page) => {
  await page.goto(STYK + LINK);
  await page.keyboard.press("Tab");
  await shot(page, "desktop focus");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.matches("[data-open]")), true, "the focus comes back");
});

check("the new balance comes by itself", android, async (page) => {
  await page.goto(STYK + LINK);
  await post(`/_test/update?card=${CARD}&bonus=777`);
  await page.evaluate(() => dispatchEvent(new Event("online"))); // as coming back to the page does
  await page.waitForFunction(() => document.querySelector("[data-balance]").textContent == "777");
  await page.waitForFunction(() => document.querySelector("[data-at-time]").textContent);
});

check("without a network: the last card, marked with its time", android, async (page, { context }) => {
  await page.goto(STYK + LINK);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(async (link) => { const c = await caches.open("styk-card " + link); return (await c.match(link)) && (await c.keys()).length > 3; }, LINK);
  await post(`/_test/update?card=${CARD}&bonus=888`);
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.waitForFunction(() => document.querySelector("[data-balance]").textContent == "888");
  await context.setOffline(true);
  await page.reload();
  await page.getByText("Нет связи. Данные на").waitFor();
  await page.waitForFunction(() => document.querySelector("[data-balance]").textContent == "888");
  await page.getByRole("button", { name: /Показать штрихкод/ }).click();
  await page.getByRole("dialog").waitFor();
  await page.getByRole("button", { name: "Закрыть" }).click();
  await axe(page);
  await shot(page, "android offline");
  await post(`/_test/update?card=${CARD}&bonus=999`);
  await context.setOffline(false);
  await page.waitForFunction(() => document.querySelector("[data-balance]").textContent == "999");
  await page.getByText("Нет связи").waitFor({ state: "hidden" });
});

check("on the home screen it counts as installed", android, async (page, { context }) => {
  const { SOLO, SOLOLINK } = process.env;
  assert.equal(await installed(SOLO), false);
  await page.goto(STYK + SOLOLINK);
  assert.equal(await installed(SOLO), false, "to look is not to install");
  const posted = page.waitForResponse((r) => r.url().endsWith("/installed"));
  await page.evaluate(() => dispatchEvent(new Event("appinstalled")));
  assert.equal((await posted).status(), 204);
  assert.equal(await installed(SOLO), true);
  // later opens, from the home screen, renew it under the same name
  const app = await context.newPage();
  await app.addInitScript(() => {
    const media = window.matchMedia;
    window.matchMedia = (query) => query == "(display-mode: standalone)" ? { matches: true } : media.call(window, query);
  });
  const again = app.waitForRequest((r) => r.url().endsWith("/installed"));
  await app.goto(STYK + SOLOLINK);
  const name = await page.evaluate((link) => JSON.parse(localStorage.getItem("styk-card " + link + " device")), SOLOLINK);
  assert.equal(JSON.parse((await again).postData()).device, name);
  assert.match(name, /^[0-9a-f]{32}$/);
  await shot(app, "android home screen");
});

check("a browser finds everything that an app needs", android, async (page, { context }) => {
  await page.goto(STYK + LINK);
  const devtools = await context.newCDPSession(page);
  const { errors, data } = await devtools.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  const manifest = JSON.parse(data);
  assert.equal(manifest.start_url, LINK);
  assert.equal(manifest.scope, LINK);
  for (const icon of manifest.icons) {
    const size = await page.evaluate(async (src) => { const i = new Image(); i.src = src; await i.decode(); return `${i.naturalWidth}x${i.naturalHeight}`; }, icon.src);
    assert.equal(size, icon.sizes);
  }
  const faults = await devtools.send("Page.getInstallabilityErrors");
  assert.deepEqual(faults.installabilityErrors.filter((e) => e.errorId != "in-incognito"), []);
});

check("a card that was closed says so, and its phone forgets it", android, async (page, { context }) => {
  const { GONE, GONELINK } = process.env;
  await page.goto(STYK + GONELINK);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await post(`/_test/delete?card=${GONE}`);
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.getByRole("heading", { name: "Карта больше не действует" }).waitFor();
  await axe(page);
  await shot(page, "gone");
  assert.deepEqual(await page.evaluate(async (link) => [await caches.has("styk-card " + link), localStorage.getItem("styk-card " + link + " state")], GONELINK), [false, null]);
  const answer = await page.goto(STYK + "/c/" + "0".repeat(24) + "-" + "a".repeat(22));
  assert.equal(answer.status(), 404);
  await axe(page);
  await shot(page, "unknown");
});

check("the codes of a page, for another library to read", { ...iphone, deviceScaleFactor: 3 }, async (page) => {
  for (const [name, link] of [["ean13", LINK], ["code128", LONG], ["qr", SHORT]]) {
    await page.goto(STYK + link);
    await page.locator(".card-bars").screenshot({ path: `${process.env.CODES}/${name} card.png` });
    await page.getByRole("button", { name: /Показать штрихкод/ }).click();
    await page.waitForTimeout(300);
    await page.locator(".full-code").screenshot({ path: `${process.env.CODES}/${name} full.png` });
  }
});

check("the code that opens the card on a phone, for another library to read", async (page) => {
  await page.goto(STYK + LINK);
  await page.locator(".qr svg").screenshot({ path: `${process.env.CODES}/qr link.png` });
});

run();
