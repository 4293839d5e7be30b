// Who works here, for the programs of this folder.
"use strict";
const harness = require("../browser/harness.js");

const person = { name: "анна", password: "четыре слова подряд лучше" };

async function login(page) {
  await page.goto(harness.STYK + "/admin/");
  await page.getByLabel("Имя").fill(person.name);
  await page.getByLabel("Пароль").fill(person.password);
  await page.getByRole("button", { name: "Войти" }).click();
  await page.waitForURL(/admin\/(tickets|\?|$)/);
  await page.goto(harness.STYK + "/admin/tickets"); // where the work of these programs is
}

module.exports = { ...harness, person, login };
