// A person's work with customers: found while typing, a file looked at, a double
// compared; and every page in both themes, at three widths.
"use strict";
const { assert, check, run, shot, axe, STYK } = require("./person.js");
const { enter, fits } = require("./customer.js");

const customer = `/admin/customers/${process.env.CUSTOMER}`;

check("a customer is found while one types, and his picture is looked at", async (page) => {
  await enter(page);
  await page.goto(STYK + "/admin/customers");
  await page.keyboard.press("Slash");
  await page.keyboard.type("3-45-67");
  await page.waitForURL(/q=3-45-67/);
  const rows = page.locator("#found tbody tr");
  await page.waitForFunction(() => document.querySelectorAll("#found tbody tr").length == 2);
  assert.equal(await rows.count(), 2);
  await page.getByRole("link", { name: /Ёлкин/ }).click();
  await page.getByRole("heading", { level: 1, name: /Ёлкин/ }).waitFor();
  await page.getByText("Посмотреть здесь касса.png").click();
  const frame = page.frameLocator('iframe[title="касса.png"]');
  await frame.locator("img").waitFor();
  assert.equal(await frame.locator("img").evaluate((i) => i.naturalWidth), 320);
});

check("a value that a form brought is taken over and undone", async (page) => {
  await enter(page);
  await page.goto(STYK + customer);
  await page.getByRole("button", { name: "Перенести" }).first().click();
  await page.getByText("Значение перенесено клиенту").waitFor();
  await page.getByRole("button", { name: "Отменить" }).first().click();
  await page.getByText("Изменение отменено").waitFor();
});

check("a double is compared, merged and parted", async (page) => {
  await enter(page);
  await page.goto(STYK + customer);
  await page.getByRole("link", { name: "Сравнить и объединить" }).click();
  await page.getByLabel("1986-11-16").check();
  await page.getByRole("button", { name: "Объединить" }).click();
  await page.getByText("Клиенты объединены").waitFor();
  await page.getByRole("button", { name: "Разъединить" }).click();
  await page.getByText("Клиенты снова порознь").waitFor();
});

const themes = ["light", "dark"];
const sizes = { wide: { width: 1440, height: 900 }, tablet: { width: 768, height: 1024 }, phone: { width: 375, height: 812 } };
const looks = process.env.STYK_TEST_SHOTS
  ? themes.flatMap((theme) => Object.keys(sizes).map((size) => [theme, size]))
  : [["light", "wide"], ["dark", "phone"]];
for (const [theme, size] of looks) {
  check(`every page about customers, ${theme}, ${size}`, { colorScheme: theme, viewport: sizes[size] }, async (page) => {
    await enter(page);
    for (const [name, path] of [["customers", "/admin/customers"], ["customers none", "/admin/customers?q=zzz"], ["doubles", "/admin/customers?show=doubles"],
      ["customer", customer], ["merge", `${customer}/merge?with=${process.env.DOUBLE}`], ["export", customer + "/export"], ["erase", customer + "/erase"],
      ["erasures none", "/admin/erasures"], ["customer english", customer + "?lang=en"], ["customers russian", "/admin/customers?lang=ru"]]) {
      await page.goto(STYK + path);
      await fits(page);
      if (size != "tablet") await axe(page);
      await shot(page, `people ${name} ${size} ${theme}`);
    }
  });
}

run();
