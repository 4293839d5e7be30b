// The search of everything, keys on lists, files; how heavy the first screens are
// and whether anything jumps.
"use strict";
const { assert, check, run, shot, axe, login, STYK } = require("./person.js");

const sizes = { wide: { width: 1440, height: 900 }, tablet: { width: 768, height: 1024 }, phone: { width: 375, height: 812 } };

check("everything is found while one types, and opened by the arrows", async (page) => {
  await login(page);
  await page.keyboard.press("Control+KeyK");
  await page.keyboard.type("45-67");
  const list = page.getByRole("listbox");
  await list.getByRole("option", { name: /Ёлкин/ }).first().waitFor();
  const box = page.getByRole("combobox", { name: "Искать везде" });
  assert.equal(await box.getAttribute("aria-expanded"), "true");
  await axe(page);
  await shot(page, "admin find open");
  await page.keyboard.press("ArrowDown");
  const first = await box.getAttribute("aria-activedescendant");
  assert.equal(await page.locator("#" + first).getAttribute("aria-selected"), "true");
  await page.keyboard.press("Escape");
  assert.equal(await list.isVisible(), false);
  await box.fill("касса не печатает");
  await list.getByRole("option", { name: /Касса не печатает чек/ }).first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Касса не печатает чек" }).waitFor();
});

check("a number in any grouping leads straight to its ticket", async (page) => {
  await login(page);
  await page.goto(STYK + "/admin/me");
  await page.keyboard.press("Slash"); // there is no list here
  await page.keyboard.type(process.env.NUMBER.replaceAll("-", " "));
  await page.keyboard.press("Enter");
  await page.waitForURL(/admin\/tickets\/\d+/);
});

check("a list is walked by keys, and a sheet tells them", async (page) => {
  await login(page);
  await page.keyboard.press("KeyJ");
  await page.keyboard.press("KeyJ");
  await page.keyboard.press("KeyK");
  const row = page.locator("main table tbody tr").first();
  assert.ok(await row.evaluate((r) => r.contains(document.activeElement)));
  await page.keyboard.press("Shift+Slash");
  await page.getByRole("dialog", { name: "Клавиши" }).waitFor();
  await axe(page);
  await shot(page, "admin keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await page.waitForURL(/admin\/tickets\/\d+/);
});

check("everything is found without scripts", { javaScriptEnabled: false }, async (page) => {
  await login(page);
  await page.getByRole("combobox", { name: "Искать везде" }).fill("елкин");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: /Касса не печатает чек/ }).waitFor();
});

for (const [theme, size, more] of [["light", "wide"], ["dark", "wide"], ["light", "tablet"], ["dark", "tablet"], ["light", "phone"], ["dark", "phone"], ["light", "wide", { contrast: "more" }], ["dark", "wide", { contrast: "more" }], ["light", "wide", { forcedColors: "active" }]]) {
  const name = [theme, size, ...Object.values(more || {})].join(" ");
  check(`found and files, ${name}`, { colorScheme: theme, viewport: sizes[size], ...more }, async (page) => {
    await login(page);
    for (const [what, path] of [["found", "/admin/search?q=елкин"], ["not found", "/admin/search?q=zzzz"], ["files", "/admin/files"], ["no files", "/admin/files?show=refused"], ["file", process.env.FILE], ["tickets", "/admin/tickets"], ["form", "/admin/forms/feedback"]]) {
      await page.goto(STYK + path);
      const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      assert.ok(scroll <= inner, `${path} is ${scroll} wide in a window of ${inner}`);
      if (!more?.forcedColors) await axe(page);
      await shot(page, `admin ${what} ${name}`);
    }
  });
}

// Facts, not times: those are printed when somebody asks, see docs/develop.md.
for (const size of ["wide", "phone"]) {
  check(`first screens are light and stand still, ${size}`, { viewport: sizes[size] }, async (page, { context }) => {
    await login(page);
    for (const path of ["/admin/", "/admin/tickets", process.env.TICKET, "/admin/customers", "/admin/files", process.env.FILE, "/admin/deliveries", "/admin/forms", "/admin/cards", "/admin/search?q=елкин", "/admin/me"]) {
      const fresh = await context.newPage(); // with nothing kept from the page before
      const cdp = await context.newCDPSession(fresh);
      await cdp.send("Network.enable");
      await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
      let bytes = 0;
      const zlib = require("zlib");
      const bodies = [];
      fresh.on("response", (r) => { if (/html|css|javascript|svg/.test(r.headers()["content-type"] || "") && r.frame() === fresh.mainFrame()) bodies.push(r.body().catch(() => Buffer.alloc(0))); });
      await fresh.addInitScript(() => {
        window.moved = 0;
        new PerformanceObserver((l) => { for (const e of l.getEntries()) { window.moved += e.value; window.movers = (window.movers || []).concat(e.sources.map((s) => s.node && (s.node.className || s.node.nodeName))); } }).observe({ type: "layout-shift", buffered: true });
      });
      const answer = await fresh.goto(STYK + path, { waitUntil: "load" });
      assert.equal(answer.status(), 200, path);
      await fresh.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      for (const body of await Promise.all(bodies)) bytes += zlib.gzipSync(body).length;
      assert.ok(bytes > 1000 && bytes <= 100 * 1024, `${path} weighs ${bytes} bytes`);
      // A tenth of what counts as good: where the processor is taken, a script's
      // button may come a frame after its line.
      const [moved, movers] = await fresh.evaluate(() => [window.moved, window.movers]);
      assert.ok(moved <= 0.01, `${path} moves by ${moved}: ${movers}`);
      console.log(`${path} ${size}: ${bytes} bytes gzipped`);
      await fresh.close();
    }
  });
}

if (process.env.STYK_TEST_SPEED) {
  check("how soon first screens can be used", { viewport: sizes.phone }, async (page, { context }) => {
    await login(page);
    for (const path of ["/admin/", "/admin/tickets", process.env.TICKET, "/admin/customers", "/admin/files", "/admin/deliveries"]) {
      const fresh = await context.newPage();
      const cdp = await context.newCDPSession(fresh);
      await cdp.send("Emulation.setCPUThrottlingRate", { rate: 4 });
      await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 750e3 / 8 });
      await fresh.goto(STYK + path, { waitUntil: "load" });
      const at = await fresh.evaluate(() => { const n = performance.getEntriesByType("navigation")[0]; return [n.domContentLoadedEventEnd, n.loadEventEnd].map(Math.round); });
      console.log(`${path}: ready after ${at[0]} ms, all after ${at[1]} ms`);
      await fresh.close();
    }
  });
}

run();
