// The owner gives a person his data, and erases them.
"use strict";
const { assert, check, run, shot, axe, STYK } = require("./person.js");
const { enter } = require("./customer.js");

const customer = `/admin/customers/${process.env.CUSTOMER}`;

check("the owner exports and erases a person", async (page) => {
  await enter(page);
  await page.goto(STYK + customer);
  await page.getByRole("link", { name: "Выгрузить" }).click();
  await page.getByLabel(/наберите номер/).fill(process.env.CUSTOMER);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Скачать архив" }).click()]);
  assert.equal(download.suggestedFilename(), `customer-${process.env.CUSTOMER}.zip`);
  await page.goto(STYK + customer);
  await page.getByRole("link", { name: "Удалить данные…" }).click();
  await page.getByLabel(/наберите номер/).fill("1");
  await page.getByRole("button", { name: "Удалить навсегда" }).click();
  await page.getByText("Это другой номер").waitFor();
  await axe(page);
  await page.getByLabel(/наберите номер/).fill(process.env.CUSTOMER);
  await page.getByRole("button", { name: "Удалить навсегда" }).click();
  await page.getByText("Данные удалены.").waitFor();
  await page.getByText("завершено").waitFor();
  await axe(page);
  await shot(page, "people erasures");
});

run();
