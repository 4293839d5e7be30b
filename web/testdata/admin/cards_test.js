// A person's work with cards: one found by a phone's tail, its values mended, a
// template edited with its preview; and every page in both themes, at three
// widths.
"use strict";
const { assert, check, run, shot, axe, STYK } = require("./person.js");
const { enter, fits } = require("./cards.js");

const card = `/admin/cards/${process.env.CARD}`;
const template = `/admin/templates/${process.env.TEMPLATE}`;

check("a card is found by a phone's tail, and its link is copied", async (page, { context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await enter(page);
  await page.getByRole("link", { name: "Карты" }).click();
  await page.keyboard.press("Slash");
  await page.keyboard.type("10-20");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: /Котова-Белая/ }).getByRole("link").click();
  await page.getByRole("heading", { level: 1, name: /Котова-Белая/ }).waitFor();
  await page.getByRole("button", { name: "Скопировать ссылку" }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /\/c\/[0-9a-f]{24}-\w{22}$/);
  await page.getByRole("button", { name: "Разбудить телефоны" }).click();
  await page.getByText("Телефоны вызваны").waitFor();
});

check("values are mended, and a taken phone is told at its field", async (page) => {
  await enter(page);
  await page.goto(STYK + card);
  await page.locator('[name="value.PHONE"]').fill("+7 900 000-00-01");
  await page.getByRole("button", { name: "Сохранить" }).click();
  await page.getByText("уже у другой карты").waitFor();
  await shot(page, "card refused");
  await axe(page);
  await page.locator('[name="value.PHONE"]').fill("+7 921 555-10-20");
  await page.getByLabel(/День рождения/).fill("05.03.1990");
  await page.getByRole("button", { name: "Сохранить" }).click();
  await page.getByText("Карта сохранена").waitFor();
});

check("the preview follows what is typed, and rows come and go", async (page, { said }) => {
  await enter(page);
  await page.goto(STYK + template);
  await page.getByLabel("Текст рядом с логотипом").fill("Новое имя");
  await page.locator(".pass .pass-name", { hasText: "Новое имя" }).waitFor();
  await page.getByLabel("Фон", { exact: true }).fill("#a01030");
  await page.waitForFunction(() => getComputedStyle(document.querySelector(".pass")).backgroundColor == "rgb(160, 16, 48)");
  await page.getByLabel("Пример").selectOption("million");
  await page.locator(".webcard", { hasText: "1\u00a0000\u00a0000" }).waitFor();
  await page.getByLabel("Пример").selectOption("long");
  await page.locator(".pass", { hasText: "Константинопольская" }).waitFor();
  await fits(page);
  await shot(page, "template long");
  await page.getByRole("button", { name: "Добавить переменную" }).click();
  await page.getByLabel("Имя", { exact: true }).last().fill("1 плохо");
  await page.getByRole("button", { name: "Сохранить" }).first().click();
  await page.getByRole("alert").getByRole("link", { name: /1С прочтёт/ }).click();
  assert.equal(await page.evaluate(() => document.activeElement.value), "1 плохо");
  await axe(page);
  await shot(page, "template refused");
  assert.deepEqual(said.filter((s) => !/422/.test(s)), []); // the browser complains of the refusal itself
});

check("without scripts the editor works", { javaScriptEnabled: false }, async (page) => {
  await enter(page);
  await page.goto(STYK + template);
  await page.getByLabel("Пример").selectOption("zero");
  await page.getByRole("button", { name: "Показать" }).click();
  await page.locator(".pass-header dd", { hasText: /^0$/ }).waitFor();
  await page.getByRole("button", { name: /Добавить поле.*Крупно/ }).click();
  await page.getByLabel("Значение").nth(1).fill("%BONUS%");
  await page.getByRole("button", { name: "Показать" }).click();
  await page.locator(".pass-strip dd", { hasText: "0" }).waitFor();
});

const themes = ["light", "dark"];
const sizes = { wide: { width: 1440, height: 900 }, tablet: { width: 768, height: 1024 }, phone: { width: 375, height: 812 } };
const looks = process.env.STYK_TEST_SHOTS
  ? themes.flatMap((theme) => Object.keys(sizes).map((size) => [theme, size]))
  : [["light", "wide"], ["dark", "phone"], ["light", "tablet"]];
for (const [theme, size] of looks) {
  check(`every page about cards, ${theme}, ${size}`, { colorScheme: theme, viewport: sizes[size] }, async (page) => {
    await enter(page);
    for (const [name, path] of [["cards", "/admin/cards"], ["cards none", "/admin/cards?q=zzz"], ["card", card], ["card bare", `/admin/cards/${process.env.BARE}`],
      ["card gone", `/admin/cards/${process.env.GONE}`], ["templates", "/admin/templates"], ["template", template], ["certificates", "/admin/certificates"],
      ["card english", card + "?lang=en"], ["template english", template]]) {
      await page.goto(STYK + path);
      await page.locator("details").evaluateAll((all) => all.forEach((d) => { d.open = true; }));
      await fits(page);
      if (size != "tablet") await axe(page);
      await shot(page, `desk ${name} ${size} ${theme}`);
    }
  });
}

run();
