// Sending: once, whatever the visitor and the network do; the number; what follows.
"use strict";
const { assert, check, run, shot, submissions, crm, fill, fileInput, send, someone, pdf, STYK, SUCCESS } = require("./harness");

const mine = async (topic) => (await submissions()).filter((s) => s.Fields.some((f) => f.value == topic));

// ready opens the form and fills all of it.
async function ready(page, form = "feedback") {
  const topic = someone();
  await page.goto(STYK + "/f/" + form);
  await fill(page, topic);
  await fileInput(page).setInputFiles(pdf);
  await page.locator(".styk-file[data-ready]").waitFor();
  return topic;
}

check("F-35 consent is kept with its version, time, address and page", async (page) => {
  const topic = await ready(page, "rich");
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  const [s] = await mine(topic);
  assert.equal(s.Consents.length, 1);
  assert.match(s.Consents[0].version, /^[0-9a-f]{16}$/);
  assert.ok(s.Page.endsWith("/f/rich") && s.Agent.includes("Chrome"), s.Page);
});

check("F-37 «Отправляем…», the button at rest, a second click does nothing", async (page) => {
  const topic = await ready(page);
  let posts = 0;
  await page.route("**/f/feedback", async (route) => {
    if (route.request().method() != "POST") return route.continue();
    posts++;
    await new Promise((go) => setTimeout(go, 700));
    await route.continue();
  });
  await send(page);
  const button = page.locator("button[type=submit]");
  await page.getByRole("status").filter({ hasText: "Отправляем…" }).waitFor();
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  assert.equal(await button.innerText(), "Отправляем…");
  await shot(page, "form-sending");
  await button.dispatchEvent("click");
  await button.dispatchEvent("click");
  await page.getByText("Номер обращения").waitFor();
  assert.equal(posts, 1);
  assert.equal((await mine(topic)).length, 1);
});

check("F-37 F-33 the progress of a file is real and sending waits for it", async (page, { context }) => {
  const topic = someone();
  await page.goto(STYK + "/f/feedback");
  await fill(page, topic);
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 20, downloadThroughput: 1e7, uploadThroughput: 600e3 });
  await fileInput(page).setInputFiles({ ...pdf, buffer: Buffer.concat([pdf.buffer, Buffer.alloc(1500e3, " "), Buffer.from("%%EOF")]) });
  await send(page);
  const seen = new Set();
  for (let i = 0; i < 60 && !(await page.getByText("Номер обращения").isVisible()); i++) {
    const text = await page.locator(".styk-file [data-state]").textContent({ timeout: 500 }).catch(() => "");
    const n = /(\d+) %/.exec(text || "");
    if (n) seen.add(+n[1]);
    if (i == 8) await shot(page, "form-uploading");
    await page.waitForTimeout(120);
  }
  await page.getByText("Номер обращения").waitFor();
  const steps = [...seen];
  assert.ok(steps.length >= 3 && steps.every((n, i) => !i || n > steps[i - 1]), "progress " + steps);
  assert.equal((await mine(topic)).length, 1);
});

check("F-38 double click and Enter make one submission", async (page) => {
  const topic = await ready(page);
  await page.evaluate(() => {
    const form = document.querySelector("form");
    form.requestSubmit();
    form.querySelector("[type=submit]").click();
    form.requestSubmit();
  });
  await page.getByText("Номер обращения").waitFor();
  assert.equal((await mine(topic)).length, 1);
});

check("F-38 F-39 an answer that was lost on the way is asked for again: one submission, one number", async (page) => {
  const topic = await ready(page);
  let lost = 0;
  await page.route("**/f/feedback", async (route) => {
    if (route.request().method() != "POST" || lost++ > 0) return route.continue();
    await route.fetch(); // it arrives over there
    await route.abort("connectionreset"); // and the answer does not
  });
  await send(page);
  await page.getByText("Связь прервалась, пробуем ещё раз — заявка не потеряется").waitFor();
  await shot(page, "form-retrying");
  await page.getByText("Номер обращения").waitFor();
  assert.equal((await mine(topic)).length, 1);
});

check("F-39 after 30 s without an answer the same key goes again", async (page) => {
  const topic = await ready(page);
  const keys = [];
  await page.route("**/f/feedback", async (route) => {
    if (route.request().method() != "POST") return route.continue();
    keys.push(/name="_key"\r\n\r\n([^\r]+)/.exec(route.request().postData())[1]);
    if (keys.length == 1) return; // never answered
    await route.continue();
  });
  await page.clock.install();
  await send(page);
  while (!keys.length) await page.waitForTimeout(50);
  await page.clock.runFor(30500);
  await page.getByText("пробуем ещё раз").waitFor();
  await page.clock.runFor(1500);
  await page.getByText("Номер обращения").waitFor();
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  assert.equal((await mine(topic)).length, 1);
});

check("F-38 a reload in the middle, then sending again: still one", async (page) => {
  const topic = await ready(page);
  await page.route("**/f/feedback", async (route) => {
    if (route.request().method() != "POST") return route.continue();
    await route.fetch();
    await route.abort("connectionreset");
  });
  await send(page);
  await page.getByText("пробуем ещё раз").waitFor();
  await page.unroute("**/f/feedback");
  await page.reload();
  assert.equal(await page.getByLabel("Тема обращения").inputValue(), topic, "the text is still there");
  await page.getByLabel("Согласие на обработку").check();
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  assert.equal((await mine(topic)).length, 1);
});

check("F-40 F-42 no CRM in time: our number, no error, the CRM's follows by itself", async (page) => {
  await ready(page, "desk0");
  const began = Date.now();
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  assert.ok(Date.now() - began < 3000, "the form waits 300 ms here");
  assert.match(await page.locator("[data-number]").innerText(), /^\d{4}-\d{4,}-\d$/);
  await page.getByText("Номер в CRM пришлём на почту").waitFor();
  await shot(page, "done-ours");
  await crm("desk0", "SR-00000042");
  await page.locator("[data-came]", { hasText: "SR-00000042" }).waitFor();
  await shot(page, "done-ours-then-crm");
});

check("F-41 F-45 the CRM's number in time: big, selectable, copied; focus on the seed's words", async (page, { context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await ready(page, "desk1");
  const delivered = (async () => { for (let i = 0; i < 8; i++) { await new Promise((go) => setTimeout(go, 60)); await crm("desk1", "SR-00012345"); } })();
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  await delivered;
  const heading = page.getByRole("heading", { name: SUCCESS });
  assert.ok(await heading.evaluate((el) => el == document.activeElement), "focus");
  assert.equal(await heading.innerText(), SUCCESS);
  const number = page.locator("[data-number]");
  assert.equal(await number.innerText(), "SR-00012345");
  assert.ok(await number.evaluate((el) => parseFloat(getComputedStyle(el).fontSize) >= 28));
  await page.getByRole("button", { name: "Скопировать" }).click();
  await page.getByText("Номер скопирован").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "SR-00012345");
  await shot(page, "done-crm");
});

check("F-44 the status page tells how far it is, and nothing of the person", async (page, { context }) => {
  await ready(page, "desk2");
  await send(page);
  const link = page.getByRole("link", { name: "Следить за обращением" });
  await link.waitFor();
  assert.match(await link.getAttribute("href"), /\/f\/desk2\/status\/\w+-[0-9a-f]{32,}$/);
  const [status] = await Promise.all([context.waitForEvent("page"), link.click()]);
  await status.getByText("Заявка принята и сохранена").waitFor();
  await shot(status, "status-waiting");
  const text = await status.locator("body").innerText();
  assert.ok(!/Анна|900123|900 123|example\.ru|печатает/.test(text), text);
  await crm("desk2", "SR-00000077");
  await status.reload();
  await status.getByText("Зарегистрирована под номером SR-00000077").waitFor();
  assert.equal(await status.locator("[data-number]").innerText(), "SR-00000077");
  await shot(status, "status-crm");
});

check("F-36 consent is withdrawn from the status page", { javaScriptEnabled: false }, async (page) => {
  await page.goto(STYK + "/f/feedback");
  await fill(page, someone());
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.goto(page.url().split("?")[0]);
  await page.getByRole("link", { name: "Отозвать согласие" }).click();
  await shot(page, "withdraw");
  await page.getByRole("button", { name: "Отозвать согласие" }).click();
  await page.getByText("Отзыв согласия принят").waitFor();
});

check("F-46 «Хорошо»: the page reloads at once and the form can be sent again", async (page) => {
  const first = await ready(page);
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Хорошо" }).click()]);
  assert.equal(await page.getByLabel("Тема обращения").inputValue(), "", "clean");
  assert.equal(await page.getByLabel("Согласие на обработку").isChecked(), false);
  const second = someone();
  await fill(page, second);
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  assert.equal((await mine(first)).length, 1);
  assert.equal((await mine(second)).length, 1);
});

check("F-46 after: reset, the form is clean in its place", async (page) => {
  await ready(page, "rich");
  let loads = 0;
  page.on("load", () => loads++);
  await send(page);
  await page.getByRole("button", { name: "Хорошо" }).click();
  assert.equal(await page.getByLabel("Тема обращения").inputValue(), "");
  assert.equal(await page.locator(".styk-file").count(), 0);
  assert.equal(loads, 0);
  const second = someone();
  await fill(page, second);
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  assert.equal((await mine(second)).length, 1);
});

check("F-49 what the visitor cannot mend: said, repeated by a click, nothing typed is lost", async (page) => {
  const topic = await ready(page, "rich");
  let down = true;
  await page.route("**/f/rich", (route) => (down && route.request().method() == "POST" ? route.fulfill({ status: 502, body: "<h1>Bad gateway</h1>" }) : route.continue()));
  await page.clock.install();
  await send(page);
  for (const ms of [1200, 4200, 10200]) { await page.waitForTimeout(200); await page.clock.runFor(ms); }
  await page.getByRole("alert").filter({ hasText: "Отправить не получилось" }).waitFor();
  await shot(page, "form-failed");
  assert.equal(await page.getByLabel("Тема обращения").inputValue(), topic);
  assert.ok(await page.locator(".styk-help").isVisible(), "telephone and mail of the firm");
  down = false;
  await page.getByRole("button", { name: "Повторить" }).click();
  await page.getByText("Номер обращения").waitFor();
  assert.equal((await mine(topic)).length, 1);
});

check("F-49 offline: said, kept, sent when the network is back", async (page, { context }) => {
  const topic = await ready(page);
  await context.setOffline(true);
  await send(page);
  await page.getByText("Нет интернета. Всё введённое сохранено").waitFor();
  await shot(page, "form-offline");
  await context.setOffline(false);
  await page.getByText("Номер обращения").waitFor();
  assert.equal((await mine(topic)).length, 1);
});

check("F-49 429: how long to wait, everything typed is there", async (page) => {
  const topic = await ready(page);
  await page.route("**/f/feedback", (route) => (route.request().method() == "POST"
    ? route.fulfill({ status: 429, headers: { "Retry-After": "30" }, contentType: "application/json", body: JSON.stringify({ errors: [{ field: "", message: "Слишком много заявок с вашего адреса. Подождите 30 с и отправьте ещё раз: всё введённое на месте" }] }) })
    : route.continue()));
  await send(page);
  await page.getByRole("alert").filter({ hasText: "Подождите 30 с" }).waitFor();
  assert.equal(await page.getByLabel("Тема обращения").inputValue(), topic);
});

check("F-18 the server's refusal stands at its field", async (page) => {
  await ready(page);
  await page.getByLabel("E-mail").fill("anna@example.ru");
  await page.evaluate(() => { const f = document.querySelector("form"); const old = window.fetch; window.fetch = (u, i) => { i.body.set("email", "ерунда"); window.fetch = old; return old(u, i); }; });
  await send(page);
  await page.locator("[data-field=email] [data-error]", { hasText: "Введите адрес почты" }).waitFor();
  assert.ok(await page.getByRole("alert").evaluate((el) => el == document.activeElement));
  await page.getByLabel("E-mail").fill("anna2@example.ru");
  await send(page);
  await page.getByText("Номер обращения").waitFor();
});

check("F-48 events for counters, without personal data", async (page) => {
  await page.goto(STYK + "/f/feedback");
  await page.evaluate(() => { window.heard = []; for (const n of ["submit", "success", "error"]) document.addEventListener("styk:" + n, (e) => window.heard.push([n, e.detail])); });
  await send(page);
  await fill(page, someone());
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  const heard = await page.evaluate(() => window.heard);
  assert.deepEqual(heard.map(([n]) => n), ["error", "submit", "success"]);
  assert.ok(heard[2][1].number);
  assert.ok(!/Анна|900123|example/.test(JSON.stringify(heard)));
});

run();
