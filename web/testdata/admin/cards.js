// What the programs about cards share.
"use strict";
const { assert, STYK } = require("./person.js");

async function enter(page) {
  await page.goto(STYK + "/admin/login");
  await page.getByLabel("Имя").fill(process.env.NAME);
  await page.getByLabel("Пароль").fill(process.env.PASSWORD);
  await page.getByRole("button", { name: "Войти" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/admin/login"));
}

// fits: nothing sticks out to the right, whatever the width.
async function fits(page) {
  const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(scroll <= inner, `${page.url()} is ${scroll} wide in a window of ${inner}`);
}

module.exports = { enter, fits };
