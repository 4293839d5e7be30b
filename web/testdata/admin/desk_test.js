// A person's work: a ticket found by what is remembered of a phone, a delivery
// that failed and is sent again; and every page in both themes, at three widths.
"use strict";
const fs = require("fs");
const { assert, check, run, shot, axe, login, STYK } = require("./person.js");

const themes = ["light", "dark"];
const sizes = { wide: { width: 1440, height: 900 }, tablet: { width: 768, height: 1024 }, phone: { width: 375, height: 812 } };

// fits: nothing sticks out to the right, whatever the width.
async function fits(page) {
  const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(scroll <= inner, `the page is ${scroll} wide in a window of ${inner}`);
}

check("a ticket is found by a phone's tail and its file is saved", async (page) => {
  await login(page);
  await page.keyboard.press("Slash");
  await page.keyboard.type("45-67");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=45-67/);
  await page.getByRole("row", { name: /Касса не печатает чек/ }).getByRole("link").click();
  await page.getByRole("heading", { level: 1, name: "Касса не печатает чек" }).waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /Скачать Акт/ }).click()]);
  assert.equal(download.suggestedFilename(), "Акт сверки «июль».pdf");
  assert.match(fs.readFileSync(await download.path(), "utf8"), /^%PDF/);
  await page.getByLabel("Новая заметка").fill("Перезвонить после обеда");
  await page.getByRole("button", { name: "Добавить заметку" }).click();
  await page.getByText("Заметка добавлена").waitFor();
  await page.getByLabel("Состояние").selectOption("In Progress");
  await page.getByRole("button", { name: "Сменить" }).click();
  await page.getByText("Состояние изменено").waitFor();
  await page.getByRole("button", { name: "Отменить" }).first().click();
  await page.getByText("Изменение отменено").waitFor();
});

check("a failed delivery: cause, request, answer, and it is sent again", async (page) => {
  await login(page);
  await page.getByRole("link", { name: /Доставки/ }).click();
  await page.getByRole("link", { name: /нет соглашения об обслуживании/ }).first().click();
  await page.getByRole("table").getByRole("link").first().click();
  await page.getByText("CRM не приняла обращение").first().waitFor();
  await page.getByText("UsrExternalId").first().waitFor();
  await page.getByText("ServicePact is required").first().waitFor();
  await page.getByText("400 Bad Request").waitFor();
  await page.getByRole("button", { name: "Отправить снова" }).click();
  await page.getByText("Отправляем снова").waitFor();
  await page.getByText("Ждёт", { exact: true }).waitFor();
});

check("without scripts everything works", { javaScriptEnabled: false }, async (page) => {
  await login(page);
  await page.getByLabel("Искать обращения").fill("белов");
  await page.keyboard.press("Enter");
  await page.getByText("Подключить вторую кассу").waitFor();
  await page.getByRole("table").getByRole("link").first().click();
  await page.getByRole("button", { name: "Сменить" }).waitFor();
});

// Colours go with the theme and faults of layout with the width: these looks see
// all there is. Whoever wants screenshots gets every pair.
const looks = process.env.STYK_TEST_SHOTS
  ? themes.flatMap((theme) => Object.keys(sizes).map((size) => [theme, size]))
  : [["light", "wide"], ["dark", "wide"], ["light", "phone"], ["dark", "tablet"]];
for (const [theme, size] of looks) {
  check(`every page, ${theme}, ${size}`, { colorScheme: theme, viewport: sizes[size] }, async (page) => {
    const look = async (name, path) => {
      if (path) await page.goto(STYK + path);
      await fits(page);
      if (size != "tablet") await axe(page);
      await shot(page, `admin ${name} ${size} ${theme}`);
    };
    await look("login", "/admin/login");
    await login(page);
    await look("tickets");
    await look("search", "/admin/tickets?q=zzz");
    await page.goto(STYK + "/admin/tickets?q=45-67");
    await page.getByRole("link", { name: process.env.NUMBER }).click();
    await page.getByRole("heading", { name: "Клиент", exact: true }).waitFor();
    await look("ticket");
    await look("deliveries", "/admin/deliveries");
    await look("done", "/admin/deliveries?state=leased");
    await look("delivery", process.env.FAILED);
    await look("replay", "/admin/replay?target=crm&since=24h");
    await look("me", "/admin/me");
    await look("nothing", "/admin/tickets/999999");
    await look("english", "/admin/deliveries?lang=en");
  });
}

run();
