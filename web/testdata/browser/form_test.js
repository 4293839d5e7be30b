// The form on its own page: what stands there, what it says, how it is typed into.
"use strict";
const { assert, check, run, shot, axe, fill, fileInput, send, someone, submissions, pdf, png, STYK } = require("./harness");

check("F-02 every control has a visible label, required is said in words", async (page) => {
  await page.goto(STYK + "/f/feedback");
  for (const [label, required] of [["Коммерческий сервис", false], ["Тема обращения", true], ["Организация", false], ["ИНН", false], ["Имя", true], ["Телефон", true], ["E-mail", true], ["Описание", true], ["Согласие на обработку", true]]) {
    const control = page.getByLabel(label).first();
    await control.waitFor();
    const text = await page.locator(`label[for="${await control.getAttribute("id")}"]`).first().innerText();
    assert.equal(text.includes("обязательно"), required, label);
    assert.equal(await control.getAttribute("placeholder"), null);
  }
  await shot(page, "form-desktop");
});

check("F-03 autocomplete names the purpose", async (page) => {
  await page.goto(STYK + "/f/feedback");
  for (const [label, want] of [["Имя", "name"], ["Телефон", "tel"], ["E-mail", "email"], ["Организация", "organization"]]) {
    assert.equal(await page.getByLabel(label).getAttribute("autocomplete"), want, label);
  }
});

check("F-04 tel, email and numeric keyboards, never type=number", async (page) => {
  await page.goto(STYK + "/f/feedback");
  assert.equal(await page.getByLabel("Телефон").getAttribute("type"), "tel");
  assert.equal(await page.getByLabel("E-mail").getAttribute("type"), "email");
  assert.equal(await page.getByLabel("ИНН").getAttribute("inputmode"), "numeric");
  assert.equal(await page.locator("input[type=number]").count(), 0);
  await page.getByLabel("ИНН").fill("0012345678");
  assert.equal(await page.getByLabel("ИНН").inputValue(), "0012345678");
});

check("F-05 Russian by default, English by switch, messages too", async (page) => {
  await page.goto(STYK + "/f/rich");
  assert.equal(await page.locator("html").getAttribute("lang"), "ru");
  await page.getByRole("link", { name: "English" }).click();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  await page.getByRole("button", { name: "Send request" }).click();
  await page.getByText("Not sent yet").waitFor();
  await page.locator("[data-error]", { hasText: "Enter a phone number" }).waitFor();
  await page.locator("[data-error]", { hasText: "Attach a file" }).waitFor();
});

check("F-06 no cookie before sending, nothing inline, nothing foreign", async (page, { context }) => {
  const answer = await page.goto(STYK + "/f/feedback");
  assert.deepEqual(await context.cookies(), []);
  const csp = answer.headers()["content-security-policy"];
  assert.ok(csp.includes("default-src 'none'") && !csp.includes("unsafe"), csp);
  const html = await answer.text();
  assert.ok(!/<script(?![^>]*src=)/.test(html) && !/ style=/.test(html) && !/ on\w+=/.test(html), "inline");
});

check("F-07 the whole form by keyboard, focus seen", async (page) => {
  await page.goto(STYK + "/f/feedback");
  const order = [];
  await page.locator("body").focus();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => document.activeElement.name || document.activeElement.type || document.activeElement.tagName));
    const seen = await page.evaluate(() => {
      const el = document.activeElement;
      const ring = el.type == "file" ? el.nextElementSibling : el;
      const style = getComputedStyle(ring);
      return style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2;
    });
    assert.ok(seen, "focus is not seen at " + order[i]);
  }
  assert.deepEqual(order.slice(0, 11), ["service", "topic", "company", "inn", "name", "phone", "email", "message", "file", "consent", "submit"]);
});

check("F-08 targets of 24 px and more, buttons of 44", async (page) => {
  await page.goto(STYK + "/f/rich");
  await fileInput(page).setInputFiles(pdf);
  await page.locator("[data-ready]").waitFor();
  const small = await page.evaluate(() => [...document.querySelectorAll("button, input:not([type=hidden], [type=file]), select, textarea, .styk-attach")]
    .filter((el) => el.checkVisibility() && !el.closest(".styk-trap"))
    .map((el) => [el.className || el.name, el.getBoundingClientRect()])
    .filter(([, r]) => r.width < 24 || r.height < 24).map(([n]) => n));
  assert.deepEqual(small, []);
  const low = await page.evaluate(() => [...document.querySelectorAll("button, .styk-attach")].filter((el) => el.checkVisibility() && el.getBoundingClientRect().height < 43.5).map((el) => el.className));
  assert.deepEqual(low, []);
});

check("F-10 help stands in the same place before and after an error", async (page) => {
  await page.goto(STYK + "/f/rich");
  const help = page.locator(".styk-help");
  assert.equal(await help.getByRole("link", { name: "+7 495 123-45-67" }).getAttribute("href"), "tel:+74951234567");
  assert.equal(await help.getByRole("link", { name: "help@example.ru" }).getAttribute("href"), "mailto:help@example.ru");
  await send(page);
  assert.ok(await help.isVisible());
  assert.ok(await help.evaluate((el) => el.previousElementSibling.classList.contains("styk-send")));
});

check("F-12 320 px and 200 % text without sideways scroll", { viewport: { width: 320, height: 700 } }, async (page) => {
  await page.goto(STYK + "/f/rich");
  await fileInput(page).setInputFiles({ ...pdf, name: "ОченьДлинноеИмяФайлаБезЕдиногоПробелаЧтобыПроверитьПеренос".repeat(2) + ".pdf" });
  await send(page);
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(await wide(), 0);
  await shot(page, "form-320-errors");
  await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
  assert.equal(await wide(), 0);
  await shot(page, "form-320-200percent");
});

check("F-12 reduced motion and forced colours", { reducedMotion: "reduce", forcedColors: "active" }, async (page) => {
  await page.goto(STYK + "/f/feedback");
  assert.equal(await page.getByLabel("Имя").evaluate((el) => getComputedStyle(el).transitionDuration), "0s");
  await shot(page, "form-forced-colors");
});

check("F-13 F-11 empty fields: a summary with focus, linked, every field told apart", async (page) => {
  await page.goto(STYK + "/f/feedback");
  await send(page);
  const summary = page.getByRole("alert");
  await summary.waitFor();
  assert.ok(await summary.evaluate((el) => el == document.activeElement), "focus");
  assert.equal(await summary.getByRole("link").count(), 7);
  const topic = page.getByLabel("Тема обращения");
  assert.equal(await topic.getAttribute("aria-invalid"), "true");
  const described = await topic.evaluate((el) => el.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id)?.textContent).join(" "));
  assert.ok(described.includes("Заполните поле «Тема обращения»"), described);
  await shot(page, "form-errors");
  await summary.getByRole("link", { name: /телефон/ }).click();
  assert.ok(await page.getByLabel("Телефон").evaluate((el) => el == document.activeElement));
});

check("F-14 the text says what to do", async (page) => {
  await page.goto(STYK + "/f/feedback");
  await page.getByLabel("Телефон").fill("12");
  await page.getByLabel("Телефон").blur();
  await page.getByText("Введите телефон, например +7 900 123-45-67").waitFor();
});

check("F-15 no error before leaving, gone when mended, sending never barred", async (page) => {
  await page.goto(STYK + "/f/feedback");
  const email = page.getByLabel("E-mail");
  await email.focus();
  await email.blur();
  assert.equal(await page.locator("[data-error]:visible").count(), 0, "empty is not blamed on leaving");
  await email.pressSequentially("anna@");
  assert.equal(await page.locator("[data-error]:visible").count(), 0, "not while typing");
  await email.blur();
  assert.equal(await page.locator("[data-error]:visible").count(), 1);
  await email.focus();
  await email.pressSequentially("example.ru");
  assert.equal(await page.locator("[data-error]:visible").count(), 0, "gone at once");
  assert.ok(await page.getByRole("button", { name: "Отправить" }).isEnabled());
});

check("F-16 «Прикрепите файл», letter for letter, at the file and in the summary", async (page) => {
  await page.goto(STYK + "/f/feedback");
  await fill(page, someone());
  await send(page);
  assert.equal(await page.locator("[data-field=file] [data-error]").innerText(), "Прикрепите файл");
  assert.equal(await page.getByRole("alert").getByRole("link").innerText(), "Прикрепите файл");
  await page.getByRole("alert").getByRole("link").click();
  await shot(page, "form-no-file");
  await fileInput(page).setInputFiles(pdf);
  assert.equal(await page.locator("[data-error]:visible").count(), 0);
});

check("F-17 a slip in the ИНН warns and does not stop", async (page) => {
  const topic = someone();
  await page.goto(STYK + "/f/feedback");
  await fill(page, topic);
  await page.getByLabel("ИНН").fill("643922466251");
  await page.getByLabel("ИНН").blur();
  await page.getByText("Похоже, в ИНН опечатка. Проверьте, или отправьте так").waitFor();
  await shot(page, "form-inn");
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  assert.ok((await submissions()).some((s) => s.Fields.some((f) => f.value == "643922466251")));
  await page.goto(STYK + "/f/feedback");
  await page.getByLabel("ИНН").fill("643922466250");
  await page.getByLabel("ИНН").blur();
  assert.equal(await page.locator("[data-warning]:visible").count(), 0);
});

check("F-19 names as people have them", async (page) => {
  const topic = someone();
  await page.goto(STYK + "/f/feedback");
  await fill(page, topic);
  await page.getByLabel("Имя").fill("  Пётр O'Hara-Ёлкин  ");
  await fileInput(page).setInputFiles(pdf);
  await send(page);
  await page.getByText("Номер обращения").waitFor();
  const mine = (await submissions()).find((s) => s.Fields.some((f) => f.value == topic));
  assert.equal(mine.Fields.find((f) => f.name == "name").value, "Пётр O'Hara-Ёлкин");
});

check("F-20 the phone's groups never fight the typist", async (page) => {
  await page.goto(STYK + "/f/feedback");
  const phone = page.getByLabel("Телефон");
  const typed = async (text) => { await phone.fill(""); await phone.pressSequentially(text); return phone.inputValue(); };
  const pasted = async (text) => { await phone.fill(""); await phone.fill(text); return phone.inputValue(); };
  for (const text of ["89001234567", "+79001234567", "79001234567", "9001234567", "8 (900) 123-45-67", "+7(900)1234567"]) {
    assert.equal(await typed(text), "+7 900 123-45-67", "typed " + text);
    assert.equal(await pasted(text), "+7 900 123-45-67", "pasted " + text);
  }
  assert.equal(await pasted("8005553535"), "+7 800 555-35-35");
  // Backspace goes through the separators to the very beginning.
  await pasted("89001234567");
  await phone.press("End");
  for (let i = 0; i < 10; i++) await phone.press("Backspace");
  assert.equal((await phone.inputValue()).replace(/\D/g, ""), "7");
  for (let i = 0; i < 2; i++) await phone.press("Backspace");
  assert.equal(await phone.inputValue(), "");
  // The caret stays where the visitor mends.
  await pasted("89001234567");
  await phone.evaluate((el) => el.setSelectionRange(6, 6)); // +7 900| 123-45-67
  await phone.press("Backspace");
  assert.equal(await phone.inputValue(), "+7 901 234-56-7");
  await phone.press("5");
  assert.equal(await phone.inputValue(), "+7 905 123-45-67");
  assert.equal(await phone.evaluate((el) => el.selectionStart), 6);
  // Backspace right behind a separator takes the digit before it.
  await phone.evaluate((el) => el.setSelectionRange(7, 7));
  await phone.press("Backspace");
  assert.equal(await phone.inputValue(), "+7 901 234-56-7");
});

check("F-21 foreign numbers are left as they are typed", async (page) => {
  await page.goto(STYK + "/f/feedback");
  const phone = page.getByLabel("Телефон");
  await phone.pressSequentially("+375 29 123-45-67");
  assert.equal(await phone.inputValue(), "+375 29 123-45-67");
  await phone.fill("");
  await phone.pressSequentially("8 900 123-45-67 доб. 12");
  assert.ok((await phone.inputValue()).endsWith("доб. 12"));
});

check("F-22 what the browser fills in is grouped alike", async (page) => {
  await page.goto(STYK + "/f/feedback");
  const phone = page.getByLabel("Телефон");
  await phone.evaluate((el) => { el.value = "89001234567"; el.dispatchEvent(new Event("change", { bubbles: true })); });
  assert.equal(await phone.inputValue(), "+7 900 123-45-67");
});

check("F-28 button, drop, paste; name, size, picture, a remove button with the name", async (page) => {
  await page.goto(STYK + "/f/rich");
  assert.equal(await page.locator(".styk-attach").innerText(), "Прикрепить файл");
  await fileInput(page).setInputFiles(png);
  const row = page.locator(".styk-file").first();
  await row.locator("img").waitFor();
  assert.ok((await row.innerText()).includes("фото.png"));
  await page.locator(".styk-file[data-ready]").waitFor();
  assert.match(await row.locator("[data-state]").innerText(), /\d+\s(Б|КБ)/);
  const transfer = (kind, where) => page.evaluate(([kind, where]) => {
    const data = new DataTransfer();
    data.items.add(new File(["%PDF-1.4\n%%EOF"], kind + ".pdf", { type: "application/pdf" }));
    const to = document.querySelector(where);
    to.dispatchEvent(kind == "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }) : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, [kind, where]);
  await transfer("drop", "[data-drop]");
  await transfer("paste", "textarea");
  await page.locator(".styk-file[data-ready]").nth(2).waitFor();
  await shot(page, "form-files");
  await page.getByRole("button", { name: "Убрать файл drop.pdf" }).click();
  assert.deepEqual(await page.locator(".styk-file [data-name]").allInnerTexts(), ["фото.png", "paste.pdf"]);
});

check("F-29 F-33 the upload starts at once, shows its way, can be cancelled and repeated; sending waits for it", async (page) => {
  await page.goto(STYK + "/f/feedback");
  let cut = true;
  await page.route("**/files?*", (route) => (cut ? route.abort() : route.continue()));
  await page.clock.install();
  await fileInput(page).setInputFiles(pdf);
  for (const ms of [1500, 4500, 10500, 1000]) { await page.waitForTimeout(150); await page.clock.runFor(ms); }
  await page.getByText("файл не загрузился").waitFor();
  await shot(page, "form-upload-cut");
  cut = false;
  await page.getByRole("button", { name: "Повторить" }).click();
  await page.locator(".styk-file[data-ready]").waitFor();
});

check("F-30 limits are told before, checked at once, and again by content on the server", async (page) => {
  await page.goto(STYK + "/f/rich");
  const hint = await page.locator("[data-field=file] .styk-hint").innerText();
  assert.ok(/До 20\sМБ/.test(hint) && hint.includes("PDF, JPG, PNG, DOCX"), hint);
  let asked = 0;
  page.on("request", (r) => { if (r.url().includes("/files")) asked++; });
  await fileInput(page).setInputFiles({ name: "вирус.exe", mimeType: "application/x-msdownload", buffer: Buffer.from("MZ") });
  await page.locator(".styk-file[data-bad]").waitFor();
  await page.locator("[data-error]", { hasText: "не подходит" }).waitFor();
  assert.equal(asked, 0);
  await shot(page, "form-bad-file");
  await page.getByRole("button", { name: "Убрать файл вирус.exe" }).click();
  await fileInput(page).setInputFiles({ name: "договор.pdf", mimeType: "application/pdf", buffer: Buffer.from("это просто текст") });
  await page.locator("[data-error]", { hasText: /внутри не PDF|не подходит/ }).waitFor();
  assert.equal(asked, 1);
});

check("F-30 too large is said before anything is sent", async (page) => {
  await page.goto(STYK + "/f/feedback");
  await page.evaluate(() => {
    const file = new File([new Uint8Array(21 * 1024 * 1024)], "кино.pdf", { type: "application/pdf" });
    const data = new DataTransfer();
    data.items.add(file);
    document.querySelector("[data-drop]").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await page.locator("[data-error]", { hasText: "слишком большой: можно до 20" }).waitFor();
});

check("F-31 names with spaces, Cyrillic and emoji live on; equal names do not collide", async (page) => {
  await page.goto(STYK + "/f/rich");
  await fill(page, someone());
  await fileInput(page).setInputFiles(pdf);
  await fileInput(page).setInputFiles({ ...pdf, buffer: Buffer.from("%PDF-1.5\nдругой\n%%EOF") });
  await page.locator(".styk-file[data-ready]").nth(1).waitFor();
  assert.deepEqual(await page.locator(".styk-file [data-name]").allInnerTexts(), [pdf.name, pdf.name]);
  await send(page);
  await page.getByText("Номер обращения").waitFor();
});

check("F-34 consent is apart, not ticked, its text a page of its own with a version", async (page, { context }) => {
  await page.goto(STYK + "/f/rich");
  assert.equal(await page.getByLabel("Согласие на обработку персональных данных").isChecked(), false);
  const [text] = await Promise.all([context.waitForEvent("page"), page.getByRole("link", { name: "Прочитать текст согласия" }).click()]);
  await text.getByText("Я даю согласие на обработку имени").waitFor();
  assert.match(await text.locator("body").innerText(), /Версия текста: [0-9a-f]{16}/);
  await axe(text);
});

run();
