// Without JavaScript: the same states, made by the server.
"use strict";
const { assert, check: any, run, shot, submissions, crm, fill, fileInput, send, someone, pdf, STYK, FOREIGN, SUCCESS } = require("./harness");

const check = (name, work) => any(name, { javaScriptEnabled: false }, work);
const mine = async (topic) => (await submissions()).filter((s) => s.Fields.some((f) => f.value == topic));

check("F-01 JavaScript off: form, errors, success, status", async (page) => {
  const topic = someone();
  await page.goto(STYK + "/f/feedback");
  await shot(page, "plain-form");
  const form = page.locator("form");
  assert.equal(await form.getAttribute("method"), "post");
  assert.equal(await form.getAttribute("enctype"), "multipart/form-data");
  await send(page);
  assert.equal(await page.getByRole("alert").getByRole("link").count(), 7);
  await shot(page, "plain-errors");
  await fill(page, topic);
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByRole("heading", { name: SUCCESS }).waitFor();
  assert.match(await page.locator("[data-number]").innerText(), /^\d{4}-\d{4,}-\d$/);
  await shot(page, "plain-done");
  assert.equal((await mine(topic)).length, 1);
});

check("F-18 a refused post keeps all that was typed, and the file", async (page) => {
  const topic = someone();
  await page.goto(STYK + "/f/rich");
  await fill(page, topic);
  await page.getByLabel("E-mail").fill("не почта");
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByText("Введите адрес почты").first().waitFor();
  assert.equal(await page.getByLabel("Тема обращения").inputValue(), topic);
  assert.equal(await page.getByLabel("Описание").inputValue(), "После обновления касса не печатает чек.\nЧто делать?");
  assert.equal(await page.locator(".styk-file [data-name]").innerText(), pdf.name);
  assert.equal(await page.getByLabel("Согласие на обработку").isChecked(), false, "consent is given anew");
  await shot(page, "plain-refused");
  await page.getByLabel("E-mail").fill("anna@example.ru");
  await page.getByLabel("Согласие на обработку").check();
  await send(page); // the file is not chosen again
  await page.getByRole("heading", { name: SUCCESS }).waitFor();
  assert.equal((await mine(topic)).length, 1);
});

check("F-18 a kept file can be taken away", async (page) => {
  await page.goto(STYK + "/f/feedback");
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByLabel("убрать").check();
  await send(page);
  assert.equal(await page.locator("[data-field=file] [data-error]").innerText(), "Прикрепите файл");
});

check("F-38 F-46 reload after success posts nothing; Back and send again is the same submission", async (page) => {
  const topic = someone();
  await page.goto(STYK + "/f/short");
  await page.getByLabel("Имя").fill(topic);
  await page.getByLabel("Телефон").fill("8 900 123-45-67");
  await send(page);
  const number = await page.locator("[data-number]").innerText();
  await page.reload();
  assert.equal(await page.locator("[data-number]").innerText(), number);
  await page.goBack();
  await page.getByLabel("Имя").fill(topic);
  await page.getByLabel("Телефон").fill("8 900 123-45-67");
  await send(page);
  assert.equal(await page.locator("[data-number]").innerText(), number);
  assert.equal((await mine(topic)).length, 1);
  await page.getByRole("button", { name: "Хорошо" }).click();
  assert.equal(page.url(), STYK + "/f/short");
  assert.equal(await page.getByLabel("Имя").inputValue(), "");
});

check("F-44 the status page comes back by itself until the number is there", async (page) => {
  await page.goto(STYK + "/f/desk3");
  await fill(page, someone());
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByText("Номер в CRM пришлём").waitFor();
  await crm("desk3", "SR-00000099");
  await page.waitForURL(/n=1/);
  assert.equal(await page.locator("[data-number]").innerText(), "SR-00000099");
  assert.ok(await page.getByText("Номер в CRM пришлём").isHidden());
});

check("F-56 plain <form action> on a page of another site, «Хорошо» leads back there", async (page) => {
  const topic = someone();
  await page.goto(FOREIGN + "/plain.html");
  await page.getByPlaceholder("Имя").fill(topic);
  await page.getByPlaceholder("Телефон").fill("8 900 123-45-67");
  await page.getByRole("button").click();
  await page.getByRole("heading", { name: SUCCESS }).waitFor();
  assert.equal((await mine(topic)).length, 1);
  await page.getByRole("button", { name: "Хорошо" }).click();
  assert.ok(page.url().startsWith(FOREIGN), page.url());
});

check("F-56 a page in windows-1251 is understood", async (page) => {
  await page.goto(FOREIGN + "/cp1251.html");
  await page.locator("[name=name]").fill("Щукин Ёж");
  await page.locator("[name=phone]").fill("8 900 123-45-67");
  await page.getByRole("button").click();
  await page.getByRole("heading", { name: SUCCESS }).waitFor();
  assert.equal((await mine("Щукин Ёж")).length, 1);
});

run();
