// Who works here and what programs come in with: a second factor, an
// invitation, keys; and every page in both themes, at three widths.
"use strict";
const crypto = require("crypto");
const { assert, check, run, shot, axe, STYK } = require("./person.js");
const password = process.env.PASSWORD;

async function enter(page, name, words = password) {
  await page.goto(STYK + "/admin/login");
  await page.getByLabel("Имя").fill(name);
  await page.getByLabel("Пароль").fill(words);
  await page.getByRole("button", { name: "Войти" }).click();
}

// code is what a phone shows for a secret, some steps of 30 seconds from now.
function code(secret, steps = 0) {
  const bits = [...secret.replace(/\s/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const sum = crypto.createHmac("sha1", key).update(time).digest();
  const n = sum.readUInt32BE(sum[19] & 15) & 0x7fffffff;
  return String(n % 1000000).padStart(6, "0");
}

// fits: nothing sticks out to the right, whatever the width.
async function fits(page) {
  const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(scroll <= inner, `the page is ${scroll} wide in a window of ${inner}`);
}

async function enrol(page) {
  await page.goto(STYK + "/admin/me/codes");
  await page.getByText("Введите ключ руками").click();
  const secret = await page.locator("#secret").innerText();
  await page.getByLabel("Код из приложения").fill(code(secret));
  await page.getByRole("button", { name: "Включить" }).click();
  await page.getByRole("heading", { level: 1, name: "Запасные коды" }).waitFor();
  const codes = (await page.locator("#codes").innerText()).trim().split(/\s+/);
  assert.equal(codes.length, 10);
  return { secret, codes };
}

check("a code of the phone: switched on, asked for, and a recovery code for a lost phone", async (page) => {
  await enter(page, "phone");
  await page.goto(STYK + "/admin/me");
  await page.getByRole("link", { name: "Включить" }).click();
  await page.getByLabel("Код из приложения").fill("000");
  await page.getByRole("button", { name: "Включить" }).click();
  await page.getByText("Код не подходит").waitFor();
  const { secret, codes } = await enrol(page);
  await page.getByRole("link", { name: "Коды сохранены" }).click();
  await page.goto(STYK + "/admin/me");
  await page.getByRole("button", { name: "Выйти" }).first().click();
  await page.waitForURL(/admin\/login/);

  await enter(page, "phone");
  await page.getByRole("heading", { name: "Код входа" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "code");
  await page.getByLabel("Код из приложения").fill("000000");
  await page.getByRole("button", { name: "Войти", exact: true }).click();
  await page.getByRole("alert").getByText("Код не подходит").waitFor();
  await axe(page);
  await page.goto(STYK + "/admin/tickets"); // half a session opens nothing
  await page.waitForURL(/admin\/login/);
  await page.goto(STYK + "/admin/login/code");
  await page.getByLabel("Код из приложения").fill(code(secret, 1)); // the one used while enrolling is spent
  await page.keyboard.press("Enter");
  await page.locator(".who .me").waitFor();

  await page.locator(".who .me").click();
  await page.getByRole("button", { name: "Выйти" }).first().click();
  await page.waitForURL(/admin\/login/);
  await enter(page, "phone");
  await page.getByText("Телефона нет под рукой").click();
  await page.getByLabel("Запасной код").fill(codes[4].toUpperCase());
  await page.getByRole("button", { name: "Войти с запасным кодом" }).click();
  await page.locator(".who .me").click();
  await page.getByText("Запасных кодов осталось: 9").waitFor();
});

check("an invitation: a slip is named, the link is shown once, the colleague comes, and is let out", async (page, { context }) => {
  await enter(page, "inviter");
  await page.locator(".side nav").getByRole("link", { name: "Сотрудники" }).click();
  await page.getByRole("link", { name: "Пригласить" }).click();
  await page.getByLabel("Имя для входа").fill("вера");
  await page.getByLabel("Имя", { exact: true }).fill("Вера");
  await page.getByLabel("E-mail").fill("vera@firm");
  await page.getByLabel(/Оператор|оператор/).check();
  await page.getByLabel("E-mail").evaluate((e) => { e.type = "text"; e.value = "вера собака"; });
  await page.getByRole("button", { name: "Пригласить" }).click();
  await page.getByText("Проверьте адрес").waitFor();
  assert.equal(await page.getByLabel("Имя для входа").inputValue(), "вера");
  await axe(page);
  await page.getByLabel("E-mail").fill("");
  await page.getByRole("button", { name: "Пригласить" }).click();
  const link = await page.locator("#secret").innerText();
  await axe(page);
  await page.getByRole("link", { name: "Готово" }).click();
  await page.getByRole("heading", { name: "Приглашены" }).waitFor();

  const hers = await (await context.browser().newContext({ locale: "ru-RU" })).newPage();
  await hers.goto(link);
  await hers.getByText("Ваша роль: оператор").waitFor();
  await axe(hers);
  await hers.getByLabel("Пароль", { exact: true }).fill(password);
  await hers.getByRole("button", { name: "Сохранить и войти" }).click();
  await hers.locator(".who .me").waitFor();

  await page.goto(STYK + "/admin/staff");
  await page.getByRole("link", { name: "Вера" }).click();
  await page.getByLabel(/^интегратор/).check();
  await page.getByRole("button", { name: "Сохранить" }).click();
  await page.getByText("Сохранено.").waitFor();
  await hers.goto(STYK + "/admin/tickets");
  await hers.getByText("Это не для вашей роли").waitFor();
  await page.getByRole("button", { name: "Завершить все" }).click();
  await page.getByText("Открытых сеансов нет").waitFor();
  await hers.goto(STYK + "/admin/me");
  await hers.waitForURL(/admin\/login/);
  await page.getByRole("button", { name: "Закрыть доступ" }).click();
  await page.getByText("доступ закрыт", { exact: true }).waitFor();
  await page.locator(".side nav").getByRole("link", { name: "Сотрудники" }).click();
  await page.getByRole("link", { name: "Журнал действий" }).click();
  await page.getByText("закрыт доступ").first().waitFor();
  await hers.context().close();
});

check("keys: a slip is named and the rest kept, the key is shown once", async (page) => {
  await enter(page, "keeper");
  await page.locator(".side nav").getByRole("link", { name: "Сотрудники" }).click();
  await page.getByRole("link", { name: "Ключи", exact: true }).click();
  await page.getByRole("link", { name: "Новая программа" }).click();
  await page.getByLabel("Имя", { exact: true }).fill("shop");
  await page.getByLabel("Выбранные операции").check();
  await page.getByLabel("CreateContact", { exact: true }).check();
  await page.getByLabel("С каких адресов").fill("203.0.113.7\nдома");
  await page.getByRole("button", { name: "Сделать ключ" }).click();
  await page.getByText("«дома»").or(page.getByText('"дома" — не адрес')).waitFor();
  assert.ok(await page.getByLabel("CreateContact", { exact: true }).isChecked());
  await axe(page);
  await page.getByLabel("С каких адресов").fill("203.0.113.7");
  await page.getByRole("button", { name: "Сделать ключ" }).click();
  const key = await page.locator("#secret").innerText();
  assert.match(key, /^[A-Za-z0-9]{24}$/);
  await page.getByRole("link", { name: "Готово" }).click();
  await page.getByRole("heading", { level: 1, name: "shop" }).waitFor();
  assert.ok(!(await page.content()).includes(key));
  await page.goto(STYK + "/admin/keys/tokens/new");
  await page.getByLabel("Имя", { exact: true }).fill("касса-7");
  await page.getByLabel("Вызовов в минуту").fill("0");
  await page.getByRole("button", { name: "Сделать токен" }).click();
  await page.getByText("Целое число от 1").waitFor();
  await page.getByLabel("Вызовов в минуту").fill("");
  await page.getByRole("button", { name: "Сделать токен" }).click();
  assert.match(await page.locator("#secret").innerText(), /^[A-Za-z0-9]{24}$/);
  await page.getByRole("link", { name: "Готово" }).click();
  await page.getByRole("button", { name: "Отозвать" }).click();
  await page.getByText("Токен отозван").waitFor();
});

const looks = process.env.STYK_TEST_SHOTS
  ? [["light", 1440], ["dark", 1440], ["light", 768], ["dark", 768], ["light", 375], ["dark", 375]]
  : [["light", 1440], ["dark", 375]];
for (const [theme, width] of looks) {
  check(`people and keys, ${theme}, ${width}`, { colorScheme: theme, viewport: { width, height: 900 } }, async (page) => {
    const look = async (name, path) => {
      if (path) await page.goto(STYK + path);
      await fits(page);
      await axe(page);
      await shot(page, `people ${name} ${width} ${theme}`);
    };
    await enter(page, "looker");
    await page.locator(".who .me").waitFor();
    await look("staff", "/admin/staff");
    await look("invite", "/admin/staff/invite");
    await page.goto(STYK + "/admin/staff");
    await page.getByRole("link", { name: "phone", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "phone" }).waitFor();
    await look("person");
    await look("keys", "/admin/keys");
    await page.getByRole("link", { name: "site", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "site" }).waitFor();
    await look("program");
    await look("new-program", "/admin/keys/programs/new");
    await page.goto(STYK + "/admin/keys");
    await page.getByRole("link", { name: "1c", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "1c" }).waitFor();
    await look("token");
    await look("audit", "/admin/audit");
    await look("me", "/admin/me");
    await look("codes", "/admin/me/codes");
    await look("english", "/admin/staff?lang=en");
  });
}

check("the pages about codes once they are on", { viewport: { width: 375, height: 800 }, colorScheme: "dark" }, async (page) => {
  await enter(page, "olga");
  await page.locator(".who .me").waitFor();
  await enrol(page);
  await fits(page);
  await axe(page);
  await shot(page, "people recovery 375 dark");
  await page.goto(STYK + "/admin/me/codes");
  await fits(page);
  await axe(page);
  await shot(page, "people codes-on 375 dark");
  await page.goto(STYK + "/admin/me");
  await axe(page);
  await page.context().clearCookies();
  await enter(page, "olga");
  await page.getByRole("heading", { name: "Код входа" }).waitFor();
  await axe(page);
  await shot(page, "people code 375 dark");
});

run();
