// Whether the scripts for other people's pages and phones can be read there.
"use strict";
const path = require("path");
const acorn = require(path.join(process.env.STYK_TEST_NODE_MODULES, "acorn"));
const { assert, check, run, fill, send, someone, STYK } = require("./harness");

// ES2021 is what Safari 15 and Samsung Internet 16 read in full.
check("F-59 scripts keep to what Safari 15 can read", async () => {
  for (const script of ["/styk.js", "/static/card.js", "/static/card_worker.js"]) {
    const answer = await fetch(STYK + script);
    assert.equal(answer.status, 200, script);
    const text = await answer.text();
    assert.ok(text.length > 500, script);
    acorn.parse(text, { ecmaVersion: 2021 });
  }
});

check("F-09 nothing is asked twice: one control a purpose, and a refusal keeps all that was typed", async (page) => {
  await page.goto(STYK + "/f/feedback");
  const purposes = await page.locator("[autocomplete]:not([autocomplete=off])").evaluateAll((list) => list.map((e) => e.getAttribute("autocomplete")));
  assert.equal(new Set(purposes).size, purposes.length, purposes.join(" "));
  await fill(page, someone());
  await page.getByLabel("Тема обращения").fill("");
  await send(page);
  await page.locator("[role=alert]").first().waitFor();
  assert.equal(await page.getByLabel("Имя").first().inputValue(), "Анна-Мария О’Нил");
  assert.match(await page.getByLabel("Телефон").inputValue(), /900/);
  assert.match(await page.getByLabel("Описание").inputValue(), /Что делать/);
  assert.ok(await page.getByLabel("Согласие на обработку персональных данных").isChecked());
});

run();
