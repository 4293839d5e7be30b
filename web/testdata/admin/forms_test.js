// The owner's look at his forms: the code for a site, and every state of the
// real form, light and dark, from which nothing is sent.
"use strict";
const { assert, check, run, shot, axe, STYK } = require("./person.js");

async function enter(page) {
  await page.goto(STYK + "/admin/login");
  await page.getByLabel("Имя").fill(process.env.NAME);
  await page.getByLabel("Пароль").fill(process.env.PASSWORD);
  await page.getByRole("button", { name: "Войти" }).click();
  await page.waitForURL(/admin\/(deliveries|\?|$)/);
}

// what each state shows, and the light that it is in
const states = {
  empty: /Отправить/,
  errors: /Проверьте поля[\s\S]*Прикрепите файл/,
  toolarge: /слишком большой/,
  uploading: /Загружаем: 42 %[\s\S]*Отправляем…/,
  sending: /Отправляем…/,
  offline: /Нет интернета/,
  busy: /Слишком много заявок/,
  failure: /Отправить не получилось[\s\S]*Повторить/,
  success: /Ваша заявка отправлена[\s\S]*SR-00000042/,
  silent: /Ваша заявка отправлена[\s\S]*0000-0042-1[\s\S]*Номер в CRM/,
};

check("every state is drawn by the form itself, and nothing is sent", async (page) => {
  await enter(page);
  await page.getByRole("link", { name: "Формы" }).click();
  await page.getByRole("link", { name: "Обратная связь", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Обратная связь" }).waitFor();
  const sent = [];
  page.on("request", (r) => { if (r.method() == "POST" || /\/f\/feedback($|\/status|\/files)/.test(new URL(r.url()).pathname)) sent.push(r.url()); });
  const shown = await page.locator(".look").evaluateAll((all) => all.map((s) => s.id.replace("look-", "")));
  assert.deepEqual(shown, Object.keys(states));
  for (const [state, want] of Object.entries(states)) {
    for (const theme of ["light", "dark"]) {
      await page.goto(`${STYK}/admin/forms/feedback/look/${state}?theme=${theme}`);
      await page.waitForFunction((want) => new RegExp(want).test(document.body.innerText), want.source, { timeout: 5000 })
        .catch(async () => { throw new Error(`${state} ${theme}: ${await page.locator("body").innerText()}`); });
      if (state == "silent") assert.equal(await page.getByText("SR-00000042").count(), 0);
      if (theme == "light" || ["errors", "uploading", "success"].includes(state)) await axe(page);
      await shot(page, `look ${state} ${theme}`);
    }
  }
  assert.deepEqual(sent, []);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, "no draft is left for the visitor's form");
});

for (const [theme, width] of [["light", 1440], ["dark", 1440], ["light", 375]]) {
  check(`the pages about forms, ${theme}, ${width}`, { colorScheme: theme, viewport: { width, height: 900 } }, async (page) => {
    await enter(page);
    const pages = [["forms", "/admin/forms"], ["form", "/admin/forms/feedback"]];
    if (theme == "dark") pages.push(["form english", "/admin/forms/feedback?lang=en"]);
    for (const [name, path] of pages) {
      await page.goto(STYK + path);
      const frames = await page.locator("iframe").all();
      for (const frame of frames.slice(0, process.env.STYK_TEST_SHOTS ? frames.length : 2)) { // the others come as they are scrolled to
        await frame.scrollIntoViewIfNeeded();
        await frame.contentFrame().locator("form[data-live]").waitFor({ state: "attached" });
        await page.waitForFunction((f) => f.style.height, await frame.elementHandle());
      }
      const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      assert.ok(scroll <= inner, `${path} is ${scroll} wide in a window of ${inner}`);
      assert.equal(await page.evaluate(() => document.activeElement.tagName), "BODY", "a frame took the focus");
      await axe(page, { exclude: ["iframe"] }); // the states are looked at one by one above
      await shot(page, `admin ${name} ${width} ${theme}`);
    }
    await page.locator("summary").nth(1).click();
    await page.getByText('open="button"').waitFor();
  });
}

run();
