// What the programs of this folder share: a browser, checks that are counted,
// and the visitor's usual steps.
"use strict";
const fs = require("fs");
const path = require("path");
const assert = require("assert");
const modules = process.env.STYK_TEST_NODE_MODULES;
const { chromium } = require(path.join(modules, "playwright-core"));
const axeSource = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");

const STYK = process.env.STYK;
const FOREIGN = process.env.FOREIGN;
const SHOTS = process.env.STYK_TEST_SHOTS;

const pdf = { name: "Акт сверки №1 «июль» 📄.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n") };
const png = { name: "фото.png", mimeType: "image/png", buffer: Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPj/HwAEAgH/p8V0WwAAAABJRU5ErkJggg==", "base64") };

const checks = [];
// check registers one check; how are the options of its own browser context.
function check(name, how, work) {
  if (!work) [how, work] = [{}, how];
  checks.push({ name, how, work });
}

let browser;
async function run() {
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const only = process.env.STYK_TEST_ONLY;
  const queue = checks.filter((c) => !only || c.name.includes(only));
  const worker = async () => { for (let c; (c = queue.shift()); ) await one(c); };
  await Promise.all([worker(), worker()]);
  await browser.close();
}

async function one({ name, how, work }) {
  const context = await browser.newContext({ locale: "ru-RU", viewport: { width: 1000, height: 900 }, ...how });
  context.setDefaultTimeout(20000);
  const page = await context.newPage();
  const foreign = [];
  const said = [];
  context.on("request", (r) => { if (![STYK, FOREIGN].some((o) => r.url().startsWith(o)) && !/^(blob|data|about|chrome-extension):/.test(r.url())) foreign.push(r.url()); });
  page.on("console", (m) => { if (m.type() == "error") said.push(m.text()); });
  page.on("pageerror", (e) => said.push("uncaught: " + e.message));
  try {
    await work(page, { context, said });
    assert.deepEqual(foreign, [], "no request to a foreign host");
    assert.deepEqual(said.filter((s) => /uncaught|Content Security Policy/.test(s)), [], "no error in the console");
    console.log("ok " + name);
  } catch (err) {
    if (SHOTS) await page.screenshot({ path: path.join(SHOTS, "FAILED " + name.replace(/[^\wА-яё .-]/g, "") .slice(0, 80) + ".png"), fullPage: true }).catch(() => {});
    console.log("not ok " + name + "\t" + (String(err.stack || err) + "\n" + said.join("\n")).replace(/\n/g, "\\n"));
  } finally {
    await context.close();
  }
}

// shot keeps a screenshot where somebody asked for them.
async function shot(page, name) {
  if (SHOTS) await page.screenshot({ path: path.join(SHOTS, name + ".png"), fullPage: true });
}

// axe looks for faults of accessibility, within shadow roots too.
async function axe(page, context) {
  await page.evaluate(axeSource);
  const found = await page.evaluate((c) => window.axe.run(c || document, { resultTypes: ["violations"] }), context);
  const list = found.violations.map((v) => `${v.id}: ${v.help}\n  ` + v.nodes.map((n) => n.html.slice(0, 160) + " " + (n.failureSummary || "")).join("\n  "));
  if (list.length) throw new Error("axe finds " + list.join("\n"));
}

const submissions = async () => (await fetch(STYK + "/_test/submissions")).json();
// crm lets the CRM of one form answer.
const crm = (target, number) => fetch(`${STYK}/_test/crm?target=${target}&number=${number}`, { method: "POST" });

// someone is a visitor of her own: counts go by topic.
let nth = 0;
const someone = () => `Касса не печатает чек ${process.pid}-${++nth}`;

// fill puts the seed's form full, but for the file.
async function fill(at, topic) {
  await at.getByLabel("Тема обращения").fill(topic);
  await at.getByLabel("Имя").fill("Анна-Мария О’Нил");
  await at.getByLabel("Телефон").fill("8900123" + String(1000 + nth));
  await at.getByLabel("E-mail").fill(`anna${nth}@example.ru`);
  await at.getByLabel("Описание").fill("После обновления касса не печатает чек.\nЧто делать?");
  await at.getByLabel("Согласие на обработку персональных данных").check();
}

const fileInput = (at) => at.locator('input[type=file]');
const send = (at) => at.getByRole("button", { name: /^Отправ/ }).click();

const SUCCESS = "Ваша заявка отправлена. Мы свяжемся с вами в рабочее время по мск с 9:00 до 18:00";

module.exports = { assert, check, run, shot, axe, submissions, crm, someone, fill, fileInput, send, pdf, png, STYK, FOREIGN, SUCCESS };
