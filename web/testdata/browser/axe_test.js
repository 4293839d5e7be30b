// axe-core finds nothing in any state: light and dark, wide and 320 px, with
// and without JavaScript, on our page and inside a shadow root.
"use strict";
const { assert, check, run, shot, axe, fill, fileInput, send, someone, pdf, STYK, FOREIGN } = require("./harness");

const looks = {
  "light": { colorScheme: "light" },
  "dark 320": { colorScheme: "dark", viewport: { width: 320, height: 700 } },
};

for (const [look, how] of Object.entries(looks)) {
  check(`axe: every state, ${look}`, { ...how, reducedMotion: "reduce" }, async (page, { context }) => {
    const state = async (name) => { await axe(page); await shot(page, `axe ${look} ${name}`); };
    await page.goto(STYK + "/f/rich");
    await state("1 empty");
    await send(page);
    await page.getByRole("alert").waitFor();
    await state("2 errors");
    await fill(page, someone());
    await page.getByLabel("ИНН").fill("123");
    await page.getByLabel("ИНН").blur();
    await fileInput(page).setInputFiles({ name: "a.exe", mimeType: "x/y", buffer: Buffer.from("MZ") });
    await state("3 warning and a bad file");
    await page.getByRole("button", { name: "Убрать файл a.exe" }).click();
    await fileInput(page).setInputFiles(pdf);
    await page.locator(".styk-file[data-ready]").waitFor();
    await state("4 full");
    await page.route("**/f/rich", async (route) => { await new Promise((go) => setTimeout(go, 2500)); await route.continue(); });
    await send(page);
    await state("5 sending");
    await page.getByText("Номер обращения").waitFor();
    await page.unroute("**/f/rich");
    await state("6 done");
    const status = await page.getByRole("link", { name: "Следить за обращением" }).getAttribute("href");
    await page.goto(status);
    await state("7 status");
    await page.goto(STYK + "/f/none");
    await state("8 no such form");
  });
}

for (const scheme of ["light", "dark"]) {
  check(`axe: as the server makes it, without the script, ${scheme}`, { colorScheme: scheme }, async (page) => {
    await page.route("**/styk.js", (route) => route.abort());
    await page.goto(STYK + "/f/rich");
    await axe(page);
    await fill(page, someone());
    await page.getByLabel("E-mail").fill("не почта");
    await page.getByLabel("ИНН").fill("123");
    await fileInput(page).setInputFiles(pdf);
    await send(page);
    await page.getByRole("alert").waitFor();
    await axe(page);
    await shot(page, `axe plain ${scheme} refused`);
    await page.getByLabel("E-mail").fill("anna@example.ru");
    await page.getByLabel("Согласие на обработку").check();
    await send(page);
    await page.getByText("Номер обращения").waitFor();
    await axe(page);
  });
}

check("axe: inside a shadow root and in a dialog", async (page) => {
  await page.goto(FOREIGN + "/tag.html");
  await page.getByLabel("Имя").waitFor();
  await axe(page, "styk-form");
  await send(page);
  await page.getByRole("alert").waitFor();
  await axe(page, "styk-form");
  await page.goto(FOREIGN + "/button.html");
  await page.getByRole("button", { name: "Задать вопрос" }).click();
  await page.getByRole("dialog").getByLabel("Имя").waitFor();
  await axe(page, "styk-form");
});

run();
