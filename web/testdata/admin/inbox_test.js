// The inbox: keys, a search that finds while one types, many changed at once and
// taken back, an answer by e-mail; every new page in both themes and three widths.
"use strict";
const { assert, check, run, shot, axe, login, STYK } = require("./person.js");
const TICKET = process.env.TICKET;

check("the list by keys, by their place", async (page) => {
  await login(page);
  await page.keyboard.press("KeyJ");
  await page.keyboard.press("KeyJ");
  const second = await page.locator("tbody tr").nth(1).locator("a.row").getAttribute("href");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), second);
  await page.keyboard.press("KeyX");
  assert.ok(await page.locator("tbody tr").nth(1).getByRole("checkbox").isChecked());
  await page.keyboard.press("KeyE");
  assert.equal(await page.evaluate(() => document.activeElement.id), "action");
  await page.locator("h1").click();
  await page.keyboard.press("Shift+Slash");
  await page.getByRole("dialog", { name: "Клавиши" }).waitFor();
  await axe(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("KeyK");
  await page.keyboard.press("Enter");
  await page.waitForURL(/admin\/tickets\/\d+/);
});

check("it finds while one types, and the address follows", async (page) => {
  await login(page);
  await page.keyboard.press("Slash");
  await page.keyboard.type("котов");
  await page.getByText("Не приходит счёт за ноябрь").waitFor();
  await page.getByText("Подключить вторую кассу").waitFor({ state: "detached" });
  await page.waitForURL(/q=/);
});

check("many are changed after a preview, and taken back", async (page) => {
  await login(page);
  await page.getByLabel("Отметить все на странице").check();
  await page.getByLabel("Что сделать").selectOption({ label: "В работе" });
  await page.getByRole("button", { name: "Дальше" }).click();
  await page.getByRole("heading", { level: 1, name: /Изменить 5 обращений/ }).waitFor();
  await axe(page);
  await shot(page, "inbox-preview");
  await page.getByRole("button", { name: "Изменить 5" }).click();
  await page.getByText(/Изменено 5 обращений/).waitFor();
  await shot(page, "inbox-undo");
  await page.getByRole("button", { name: "Отменить" }).click();
  await page.getByText("Изменение отменено").waitFor();
});

check("an answer by e-mail stands in the ticket", async (page) => {
  await login(page);
  await page.goto(STYK + TICKET);
  await page.getByLabel("Ответ клиенту").fill("Добрый день!\nОбновите прошивку.");
  await page.getByRole("button", { name: "Отправить", exact: true }).click();
  await page.getByText("Ответ отправляется клиенту").waitFor();
  await page.getByText("Обновите прошивку.").waitFor();
});

for (const theme of ["light", "dark"])
  for (const [size, viewport] of Object.entries({ wide: { width: 1440, height: 900 }, tablet: { width: 768, height: 1024 }, phone: { width: 375, height: 812 } }))
    check(`looks: ${theme}, ${size}`, { viewport, colorScheme: theme }, async (page) => {
      await login(page);
      for (const [name, path] of [["list", "/admin/tickets"], ["ticket", TICKET], ["mail", "/admin/mail"], ["spam", "/admin/tickets?show=spam"]]) {
        await page.goto(STYK + path);
        const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
        assert.ok(scroll <= inner, `${name} is ${scroll} wide in a window of ${inner}`);
        await axe(page);
        await shot(page, `inbox-${name}-${size}-${theme}`);
      }
    });

run();
