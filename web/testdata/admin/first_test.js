// The first start: the link that is printed, a password, the first page.
"use strict";
const { assert, check, run, shot, axe, person, STYK } = require("./person.js");

const link = process.env.LINK;

check("first start: the link, a password, the first page", async (page) => {
  await page.goto(`${STYK}/admin/link/${link}`);
  await shot(page, "admin link");
  await axe(page);
  await page.getByLabel("Имя для входа").fill(person.name);
  await page.getByLabel("Пароль", { exact: true }).fill("123");
  await page.getByRole("button", { name: "Показать" }).click();
  assert.equal(await page.getByLabel("Пароль", { exact: true }).getAttribute("type"), "text");
  await page.getByLabel("Пароль", { exact: true }).fill(person.password);
  await page.getByRole("button", { name: "Сохранить и войти" }).click();
  await page.waitForURL(/admin\/(tickets|\?|$)/);
  await page.getByRole("link", { name: "Мой вход" }).click();
  await page.getByRole("button", { name: "Выйти" }).first().click();
  await page.waitForURL(/admin\/login/);
  await page.goto(`${STYK}/admin/link/${link}`);
  await page.getByRole("heading", { name: "Ссылка больше не работает" }).waitFor();
});

run();
