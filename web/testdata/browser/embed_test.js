// The form on other people's sites.
"use strict";
const { assert, check, run, shot, axe, submissions, fill, fileInput, send, someone, pdf, STYK, FOREIGN, SUCCESS } = require("./harness");

const mine = async (topic) => (await submissions()).filter((s) => s.Fields.some((f) => f.value == topic));

async function whole(page, at = page) {
  const topic = someone();
  await fill(at, topic);
  await fileInput(at).setInputFiles(pdf);
  await send(at);
  await at.getByRole("heading", { name: SUCCESS }).waitFor();
  assert.equal((await mine(topic)).length, 1);
  return topic;
}

check("F-56 <styk-form>: sent from another site, «Хорошо» reloads that page", async (page) => {
  await page.goto(FOREIGN + "/tag.html");
  const topic = await whole(page);
  const [s] = await mine(topic);
  assert.equal(s.Page, FOREIGN + "/tag.html");
  await shot(page, "embed-done");
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Хорошо" }).click()]);
  assert.equal(page.url(), FOREIGN + "/tag.html");
  await whole(page);
});

check("F-13 errors inside a shadow root: focus, links, descriptions", async (page) => {
  await page.goto(FOREIGN + "/tag.html");
  await send(page);
  const summary = page.getByRole("alert");
  await summary.waitFor();
  assert.ok(await summary.evaluate((el) => el.getRootNode().activeElement == el));
  await summary.getByRole("link", { name: "Прикрепите файл" }).click();
  assert.equal(await page.evaluate(() => document.querySelector("styk-form").shadowRoot.activeElement.type), "file");
});

check("F-57 no style leaks in or out, one global, nothing jumps", async (page) => {
  await page.goto(FOREIGN + "/hostile.html");
  const before = await page.evaluate(() => Object.keys(window));
  const name = page.getByLabel("Имя");
  await name.waitFor();
  assert.ok(before.includes("StykForm") && !before.some((k) => /^(styk|Form$|Files$|drafts|groupPhone)/.test(k)));
  assert.equal(await name.evaluate((el) => getComputedStyle(el).letterSpacing), "normal");
  assert.ok(!(await name.evaluate((el) => getComputedStyle(el).fontFamily)).includes("cursive"));
  assert.equal(await page.locator("button[type=submit]").evaluate((el) => getComputedStyle(el).backgroundColor), "rgb(123, 45, 139)");
  assert.equal(await page.evaluate(() => document.querySelector("styk-form").scrollWidth <= 340), true);
  await shot(page, "embed-hostile");
});

check("F-57 the place is kept while the form comes", async (page) => {
  let go;
  await page.route("**/f/feedback?*", async (route) => { await new Promise((r) => { go = r; }); await route.continue(); });
  await page.goto(FOREIGN + "/tag.html");
  await page.waitForFunction(() => customElements.get("styk-form"));
  const top = () => page.evaluate(() => document.getElementById("below").getBoundingClientRect().top);
  assert.ok(await top() > 600, "room is kept");
  assert.ok(await page.getByText("Позвоните нам").isVisible(), "the fallback is seen meanwhile");
  while (!go) await page.waitForTimeout(20);
  go();
  await page.getByLabel("Имя").waitFor();
});

check("F-58 when styk does not answer, the fallback inside the tag stays", async (page) => {
  await page.route(STYK + "/f/**", (route) => route.abort());
  await page.goto(FOREIGN + "/tag.html");
  await page.waitForFunction(() => customElements.get("styk-form"));
  await page.waitForTimeout(200);
  assert.ok(await page.getByRole("link", { name: "+7 495 123-45-67" }).isVisible());
  await page.goto(FOREIGN + "/dead.html");
  await page.waitForTimeout(200);
  assert.ok(await page.getByRole("link", { name: "+7 495 123-45-67" }).isVisible());
});

check("F-56 open=\"button\": a dialog that keeps what was typed", async (page) => {
  await page.goto(FOREIGN + "/button.html");
  const button = page.getByRole("button", { name: "Задать вопрос" });
  await button.click();
  const dialog = page.getByRole("dialog", { name: "Обратная связь" });
  await dialog.getByLabel("Тема обращения").fill("Не потеряй меня");
  await shot(page, "embed-dialog");
  await page.keyboard.press("Escape");
  assert.ok(await dialog.isHidden());
  assert.ok(await button.evaluate((el) => el.getRootNode().activeElement == el), "focus goes back");
  await button.click();
  assert.equal(await dialog.getByLabel("Тема обращения").inputValue(), "Не потеряй меня");
  await whole(page, dialog);
  await shot(page, "embed-dialog-done");
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Хорошо" }).click()]);
  await page.getByRole("button", { name: "Задать вопрос" }).click();
  assert.equal(await page.getByRole("dialog").getByLabel("Тема обращения").inputValue(), "");
});

check("F-07 the dialog by keyboard: Tab stays inside, Escape closes", async (page) => {
  await page.goto(FOREIGN + "/button.html");
  await page.getByRole("button", { name: "Задать вопрос" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel("Коммерческий сервис").waitFor();
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => { const host = document.activeElement; return host == document.body ? "body" : host.shadowRoot ? (host.shadowRoot.activeElement.closest("dialog") ? "in" : "out") : "out"; });
    assert.notEqual(at, "out");
  }
  await page.keyboard.press("Escape");
  assert.ok(await page.getByRole("dialog").isHidden());
});

check("F-56 one script tag with data-form, in English", async (page) => {
  await page.goto(FOREIGN + "/script.html");
  const topic = someone();
  await page.getByLabel("Имя").fill(topic);
  await page.getByLabel("Телефон").fill("+7 900 123-45-67");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Your number").waitFor();
  assert.equal((await mine(topic)).length, 1);
});

check("F-60 a dark form only where the page is dark as well", { colorScheme: "dark" }, async (page) => {
  const theme = () => page.evaluate(() => document.querySelector("styk-form").shadowRoot.querySelector(".styk").dataset.theme);
  await page.goto(FOREIGN + "/tag.html");
  await page.getByLabel("Имя").waitFor();
  assert.equal(await theme(), "light");
  await page.goto(FOREIGN + "/script.html");
  await page.getByLabel("Имя").waitFor();
  assert.equal(await theme(), "auto");
});

for (const [scheme, accent] of [["light", "rgb(138, 28, 74)"], ["dark", "rgb(255, 154, 194)"]]) {
  check(`F-60 the form's own theme and logo, on its page and on a site, ${scheme}`, { colorScheme: scheme }, async (page) => {
    const look = (at) => at.locator("button[type=submit]").evaluate((el) => [getComputedStyle(el).backgroundColor, getComputedStyle(el).borderRadius, getComputedStyle(el).fontFamily]);
    await page.goto(STYK + "/f/dressed");
    assert.deepEqual(await look(page), [accent, "2px", "Georgia, serif"]);
    assert.ok(await page.locator("img.styk-logo").evaluate((el) => el.naturalWidth > 0));
    await axe(page);
    await shot(page, "dressed " + scheme);
    await page.goto(FOREIGN + "/pasted.html?code=" + encodeURIComponent(`<meta name="color-scheme" content="light dark"><style>:root { color-scheme: light dark }</style><script async src="${STYK}/styk.js" data-form="dressed"></` + "script>"));
    await page.getByLabel("Имя").waitFor();
    assert.deepEqual(await look(page), [accent, "2px", "Georgia, serif"]);
    assert.ok(await page.locator("img.styk-logo").evaluate((el) => el.naturalWidth > 0));
  });
}

check("F-61 texts of the form's own, by language", async (page) => {
  await page.goto(STYK + "/f/rich");
  await page.getByRole("button", { name: "Отправить заявку" }).waitFor();
  await page.goto(STYK + "/f/rich?lang=en");
  await page.getByRole("button", { name: "Send request" }).waitFor();
});

check("F-56 iframe: grows with its form, sends, says the number", async (page) => {
  await page.goto(FOREIGN + "/frame.html");
  const frame = page.frameLocator("iframe");
  await frame.getByLabel("Имя").waitFor();
  await page.waitForFunction(() => document.querySelector("iframe").offsetHeight > 600);
  const fits = await page.frames()[1].evaluate(() => document.documentElement.scrollHeight <= innerHeight + 1);
  assert.ok(fits, "no scroll bar inside");
  await shot(page, "embed-frame");
  await whole(page, frame);
});

check("F-06 a site with a strict policy needs to name our host only", async (page) => {
  const csp = "default-src 'none'; script-src STYK; connect-src STYK; style-src STYK; img-src STYK blob:; form-action STYK";
  await page.goto(FOREIGN + "/tag.html?csp=" + encodeURIComponent(csp));
  await whole(page);
});

check("F-06 Trusted Types do not stop it", async (page) => {
  const csp = "require-trusted-types-for 'script'; trusted-types styk";
  await page.goto(FOREIGN + "/tag.html?csp=" + encodeURIComponent(csp));
  await page.getByLabel("Имя").waitFor();
});

check("F-56 the page with the code to copy, and whether the form is seen on a site", async (page, { context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(STYK + "/f/rich/embed");
  await page.getByText("пока нет").waitFor();
  await page.getByRole("button", { name: "Скопировать" }).first().click();
  await page.getByText("Код скопирован").first().waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /<styk-form form="rich"/);
  // Each way is put into a page as it is copied, and the form comes.
  const ways = await page.locator("pre").allInnerTexts();
  assert.equal(ways.length, 5);
  await shot(page, "embed-code");
  await axe(page);
  for (const code of ways) {
    await page.goto(FOREIGN + "/pasted.html?code=" + encodeURIComponent(code));
    const at = code.includes("<iframe") ? page.frameLocator("iframe") : page;
    if (code.includes("open=")) await page.getByRole("button", { name: "Заявка на обслуживание" }).click();
    await at.getByLabel("Тема обращения").waitFor();
  }
  await page.goto(STYK + "/f/rich/embed");
  await page.getByText(/видна: да.*localhost:\d+, \d+ с назад/).waitFor();
});

check("F-51 a script of another site reads the JSON answer", async (page) => {
  await page.goto(FOREIGN + "/tag.html");
  const answer = await page.evaluate(async (styk) => {
    const r = await fetch(styk + "/f/short", { method: "POST", headers: { Accept: "application/json", "Content-Type": "application/json", "Idempotency-Key": "k-" + Math.random() }, body: JSON.stringify({ name: "" }) });
    return [r.status, await r.json()];
  }, STYK);
  assert.equal(answer[0], 422);
  assert.deepEqual(answer[1].errors.map((e) => e.field), ["name", "phone"]);
});

run();
