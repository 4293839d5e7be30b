// What an integrator sees: his pages in both themes and three widths, the keys of
// a list, a connection that is tested.
"use strict";
const { assert, check, run, shot, axe, STYK } = require("./person.js");

async function enter(page) {
  await page.goto(STYK + "/admin/login");
  await page.getByLabel("Имя").fill("integrator-person");
  await page.getByLabel("Пароль").fill(process.env.PASSWORD);
  await page.getByRole("button", { name: "Войти" }).click();
  await page.waitForURL(/admin\/?($|\?|deliveries)/);
  await page.goto(STYK + "/admin/");
}

const sizes = { wide: { width: 1440, height: 900 }, tablet: { width: 768, height: 1024 }, phone: { width: 375, height: 812 } };
const looks = process.env.STYK_TEST_SHOTS
  ? ["light", "dark"].flatMap((theme) => Object.keys(sizes).map((size) => [theme, size]))
  : [["light", "wide"], ["dark", "phone"]];

for (const [theme, size] of looks) {
  check(`the integrator's pages, ${theme}, ${size}`, { colorScheme: theme, viewport: sizes[size] }, async (page) => {
    await enter(page);
    const look = async (name, path) => {
      await page.goto(STYK + path);
      const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      assert.ok(scroll <= inner, `${path} is ${scroll} wide in a window of ${inner}`);
      await axe(page);
      await shot(page, `integrator ${name} ${size} ${theme}`);
    };
    await look("home", "/admin/");
    await look("deliveries", "/admin/deliveries?state=failed");
    await look("replay", "/admin/replay?target=shop&since=all");
    await look("connections", "/admin/connections");
    await look("connection", "/admin/connections/crm");
    await look("new connection", "/admin/connections/new?kind=webhook");
    await look("sandbox", "/admin/sandbox");
    await look("connections english", "/admin/connections/crm?lang=en");
    await page.goto(STYK + "/admin/?lang=ru");
    await page.goto(STYK + "/admin/deliveries?state=failed");
    const row = page.locator("table a.row").first();
    if (await row.count()) {
      const path = await row.getAttribute("href");
      await look("delivery", path);
      await look("delivery edit", path + "/edit");
    }
  });
}

check("keys move through the list and choose", async (page) => {
  await enter(page);
  await page.goto(STYK + "/admin/deliveries?state=failed");
  await page.keyboard.press("KeyJ");
  await page.keyboard.press("KeyJ");
  await page.keyboard.press("KeyX");
  const chosen = page.getByRole("button", { name: /Отправить отмеченные/ });
  assert.match(await chosen.textContent(), /1/);
  assert.ok(await page.locator("tbody tr").nth(1).locator("input").isChecked());
  await page.waitForResponse((r) => r.url().includes("/admin/deliveries") && r.request().resourceType() === "fetch");
  assert.ok(await page.locator("tbody tr").nth(1).locator("input").isChecked(), "the choice outlives an update");
  await page.keyboard.press("Enter");
  await page.waitForURL(/deliveries\/\d+/);
});

check("a connection is tested with what is typed", async (page) => {
  await enter(page);
  await page.goto(STYK + "/admin/connections/crm");
  await page.getByLabel("Пароль", { exact: false }).first().fill("wrong");
  await page.getByRole("button", { name: "Проверить" }).click();
  await page.locator(".check-said.bad").waitFor();
  await page.getByLabel("Пароль", { exact: false }).first().fill("secret");
  await page.getByRole("button", { name: "Проверить" }).click();
  await page.getByText("Связь есть, вход удался").waitFor();
  assert.equal(await page.getByLabel("Пароль", { exact: false }).first().inputValue(), "secret", "what was typed stays");
});

run();
