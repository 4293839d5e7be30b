// An integrator's day: why 312 deliveries failed, and a CRM that is broken and
// mended.
"use strict";
const { assert, check, run, STYK } = require("./person.js");

async function enter(page) {
  await page.goto(STYK + "/admin/login");
  await page.getByLabel("Имя").fill("integrator-person");
  await page.getByLabel("Пароль").fill(process.env.PASSWORD);
  await page.getByRole("button", { name: "Войти" }).click();
  await page.waitForURL(/admin\/?($|\?|deliveries)/);
  await page.goto(STYK + "/admin/");
}

check("the CRM is broken by one click and mended by one", async (page) => {
  await enter(page);
  await page.goto(STYK + "/admin/sandbox");
  await page.getByRole("button", { name: "Сломать CRM" }).click();
  await page.getByText("Сломано.").waitFor();
  await page.getByRole("button", { name: /Починить/ }).click();
  await page.getByText("Починено.").waitFor();
  await page.goto(STYK + "/admin/");
  await page.getByText("Первый день пройден").waitFor();
});

check("why 312 failed, and all sent again in three clicks", async (page) => {
  await enter(page);
  let clicks = 0;
  const click = async (what) => { clicks++; await what.click(); };
  await click(page.getByRole("link", { name: /^Доставки/ }));
  await page.getByText("Склад отвечает: закончилось место").first().waitFor(); // why
  await page.locator(".cause-count", { hasText: "312" }).waitFor();
  await click(page.locator("li.cause", { hasText: "закончилось место" }).getByRole("link", { name: "Отправить снова" }));
  await page.getByText("312 доставок").waitFor();
  await click(page.getByRole("button", { name: "Отправить 312" }));
  await page.getByText("Отправляем снова: 312").waitFor();
  assert.ok(clicks <= 3, `${clicks} clicks`);
});

run();
