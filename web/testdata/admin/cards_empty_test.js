// The pages about cards before there is one.
"use strict";
const { check, run, shot, axe, STYK } = require("./person.js");
const { enter, fits } = require("./cards.js");

for (const [theme, size] of [["light", 1440], ["dark", 375]]) {
  check(`nothing yet, ${theme}, ${size}`, { colorScheme: theme, viewport: { width: size, height: 900 } }, async (page) => {
    await enter(page);
    for (const [name, path] of [["cards", "/admin/cards"], ["templates", "/admin/templates"], ["certificates", "/admin/certificates"], ["template new", "/admin/templates/new"]]) {
      await page.goto(STYK + path);
      await fits(page);
      await axe(page);
      await shot(page, `empty ${name} ${size} ${theme}`);
    }
  });
}

run();
