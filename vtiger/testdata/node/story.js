// The core of the site's way through the CRM by the npm package node-vtiger,
// with its own calls where it has them and its session where it has none.
//
//   node story.js BASE [USER [ACCESSKEY]]
//
// BASE is the address before /webservice.php. STYK_TEST_NODE_MODULES names the
// folder of the packages. One line of JSON per step; exit code 1 at the first
// mismatch.
'use strict';

const assert = require('node:assert/strict');
const { createHash, randomInt } = require('node:crypto');
const path = require('node:path');

const modules = process.env.STYK_TEST_NODE_MODULES;
const Vtiger = require(modules ? path.join(modules, 'node-vtiger') : 'node-vtiger');

const [base, user = 'api', accessKey = 'DemoKey000000001'] = process.argv.slice(2);
if (!base) {
  console.error('usage: node story.js http://host [user [accesskey]]');
  process.exit(2);
}

const client = new Vtiger(base, user, accessKey, 'error');

// ask turns a call of the package into a promise. It keeps one callback, so
// calls go one after the other.
const ask = (method, ...args) => new Promise((resolve, reject) => {
  client[method](...args, (err, result) => (err ? reject(err) : resolve(result)));
});

function step(name, facts = {}) {
  console.log(JSON.stringify({ step: name, ok: true, ...facts }));
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const pdf = (text) => `%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n% ${text}\ntrailer\n<< /Size 3 /Root 1 0 R >>\n%%EOF\n`;

// custom calls an operation that the package does not know, with its session.
async function custom(operation, fields) {
  const answer = await fetch(`${base}/webservice.php`, {
    method: 'POST',
    body: new URLSearchParams({ operation, sessionName: client._wsSessionName, ...fields }),
  });
  assert.equal(answer.status, 200, operation);
  const { success, result, error } = await answer.json();
  assert.equal(success, true, `${operation}: ${JSON.stringify(error)}`);
  return result;
}

async function capture(inn, code) {
  const form = new FormData();
  const fields = {
    publicid: '0123456789abcdef0123456789abcdef', firstname: 'Ольга', lastname: 'Узлова', birthday: '1991-05-05',
    mobile: `+7 9${randomInt(10, 99)} ${randomInt(1000000, 9999999)}`, inn, code,
  };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  ['Договор.pdf', 'чек № 1.pdf', 'скриншот.pdf'].forEach((name, i) => {
    form.append(`file_1_${i + 1}`, new Blob([pdf(`placeholder ${i}`)], { type: 'application/pdf' }), name);
  });
  const answer = await fetch(`${base}/modules/Webforms/capture.php`, { method: 'POST', body: form });
  assert.equal((await answer.json()).success, true);
  step('capture');
}

async function files(inn, sms) {
  const { status, files: list } = await custom('GetFilesList', { inn, sms });
  assert.equal(status, 'ok');
  assert.equal(list.length, 3);
  for (const [i, file] of list.entries()) {
    const real = pdf(`the real file ${i} ${randomInt(1e9)}`);
    const headers = { Authorization: `Bearer ${client._wsSessionName}`, 'Content-Type': 'application/pdf' };
    const put = await fetch(`${base}/${file.path}`, { method: 'PUT', headers, body: real });
    assert.equal(put.status, 204, await put.text());
    const got = await fetch(`${base}/${file.path}`, { headers: { Authorization: headers.Authorization } });
    assert.equal(sha256(Buffer.from(await got.arrayBuffer())), sha256(real), file.path);
    step('overwritten', file);
  }
  assert.deepEqual((await custom('GetFilesList', { inn, sms })).files, list);
}

async function standard() {
  const made = await ask('doCreate', 'Contacts', { firstname: 'Пётр', lastname: 'Узлов', mobile: '+7 900 000-00-01' });
  assert.match(made.id, /^12x\d+$/);
  step('create', { id: made.id });

  const changed = await ask('doUpdate', { ...made, email: 'petr@example.ru' });
  assert.equal(changed.email, 'petr@example.ru');
  const read = await ask('doRetrieve', made.id);
  assert.equal(read.lastname, 'Узлов');
  assert.equal(read.email, 'petr@example.ru');
  step('update and retrieve');

  const found = await ask('doQuery', `select lastname, email from Contacts where id='${made.id}'`);
  assert.equal(found.length, 1);
  assert.equal(found[0].email, 'petr@example.ru');
  // The package writes Cyrillic as %u0423, which PHP leaves as it stands: the
  // query must be understood, whatever it finds.
  assert.ok(Array.isArray(await ask('doQuery', "select * from Contacts where lastname='Узлов'")));
  step('query');

  await ask('doDelete', made.id);
  await assert.rejects(ask('doRetrieve', made.id), (err) => err.code === 'ACCESS_DENIED');
  step('delete');
}

async function main() {
  const inn = '500100732259';
  const code = String(randomInt(100000, 999999));
  await capture(inn, code);

  const login = await ask('doLogin');
  assert.equal(login.sessionId, login.sessionName);
  step('login', { userId: login.userId });

  const described = await ask('doDescribe', 'Contacts');
  assert.equal(described.idPrefix, '12');
  step('describe', { fields: described.fields.length });

  await files(inn, code);
  await files('643922466250', '795372');

  const contactid = await custom('CreateContact', { firstname: 'Анна', lastname: 'Узлова', birthday: '1980-01-01', mobile: '8 (905) 111-22-33', inn: '321654987654' });
  const offenderid = await custom('CreateAccount', { accountname: 'ООО "Узел"', inn: '7728168971', ogrn: '1027700067328' });
  const projectid = await custom('CreateProject', { contactid, offenderid, agrprice: '20000', region: 'Владивосток' });
  for (const id of [contactid, offenderid, projectid]) assert.match(id, /^\d+$/);
  const prefix = (await ask('doDescribe', 'Project')).idPrefix;
  const project = await ask('doRetrieve', `${prefix}x${projectid}`);
  assert.equal(project.agrprice, '20000.00');
  assert.equal(project.region, 'Владивосток');
  assert.equal(project.linktoaccountscontacts, `12x${contactid}`);
  step('project', { contactid, offenderid, projectid });

  await standard();
}

main().catch((err) => {
  console.log(JSON.stringify({ step: 'failed', ok: false, error: err.message ?? err }));
  process.exit(1);
});
