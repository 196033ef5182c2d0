// WebSockets of a page in a real browser, through a guarded host: with the session of who is signed in, with a
// token among the protocols, with a ticket; and what the page learns when it is refused.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { launch, open } from './lib/browser.mjs';
import { api, issuer, person } from './lib/management.mjs';
import { Sockets } from './lib/sockets.mjs';

const { port } = new URL(issuer);
const live = `http://live.localhost:${port}`;
const socket = `ws://live.localhost:${port}`;
const PATIENCE = 30_000;
let app;
let browser;
let token;

before(async () => {
  app = await Sockets.start(Number(process.env.DOORWARD_UPSTREAM));
  token = (await api('POST', 'service-tokens', { scopes: ['reports:read'] })).secret;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await app?.stop();
});

// A page at an application of whose page anybody may have a look.
async function stranger() {
  const page = await open(browser);
  await page.goto(`http://open.localhost:${port}/`);
  return page;
}

async function signIn(page, { email, password }) {
  await page.goto(`${live}/`);
  await page.waitForURL(`${issuer}/**`);
  for (const [word, text] of [['username', email], ['current-password', password]]) {
    await page.locator(`input[autocomplete~="${word}"]:not([hidden])`).fill(text);
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  }
  await page.waitForURL(`${live}/`);
}

// What a socket of the page learns until it is closed, or has heard itself.
const tell = (page, path, protocols = []) => page.evaluate(([url, offered, patience]) => new Promise((done) => {
  const seen = { messages: [] };
  const opened = new WebSocket(url, offered);
  setTimeout(() => done({ ...seen, timeout: true }), patience);
  opened.onmessage = ({ data }) => {
    seen.messages.push(data);
    if (seen.messages.length === 1) opened.send('x'.repeat(5000));
    else opened.close(1000);
  };
  opened.onclose = ({ code, reason }) => done({ ...seen, code, reason, protocol: opened.protocol });
}), [`${socket}${path}`, protocols, PATIENCE]);

// What the application was sent, by a socket that was let through.
function through(told) {
  assert.equal(told.code, 1000, JSON.stringify(told));
  assert.equal(told.messages[1], 'x'.repeat(5000));
  assert.ok(!told.messages[0].includes(token) && !told.messages[0].includes('dw_ws_'), 'the credential stays here');
  return JSON.parse(told.messages[0]);
}

const refused = (told, code, reason) => assert.deepEqual([told.code, told.reason, told.messages], [code, reason, []]);

test('with the session of who is signed in, and closed when that ends', async () => {
  const ada = await person();
  const page = await open(browser);
  await signIn(page, ada);
  const said = through(await tell(page, '/socket'));
  assert.equal(said.headers['x-user-email'], ada.email);
  assert.equal(said.headers['x-auth-type'], 'session');
  assert.ok(!(said.headers.cookie ?? '').includes('doorward'), 'its cookie stays here');

  // A page of somebody else, in the same browser.
  const elsewhere = await page.context().newPage();
  await elsewhere.goto(`http://open.localhost:${port}/`);
  refused(await tell(elsewhere, '/socket'), 4401, 'auth.missing_token');

  const closed = page.evaluate(([url, patience]) => new Promise((done) => {
    const opened = new WebSocket(url);
    opened.onmessage = () => { document.title = 'open'; };
    opened.onclose = ({ code, reason }) => done({ code, reason });
    setTimeout(() => done('it stays open'), patience);
  }), [`${socket}/socket`, PATIENCE]);
  await page.waitForFunction(() => document.title === 'open');
  await api('DELETE', `users/${ada.id}/sessions`);
  assert.deepEqual(await closed, { code: 4401, reason: 'auth.invalid_token' });
  refused(await tell(page, '/socket'), 4401, 'auth.token_revoked');
  await page.context().close();
});

test('with a token among the protocols', async () => {
  const page = await stranger();
  const bearer = `bearer.${token}`;
  for (const [offered, protocol] of [[['chat', bearer], 'chat'], [[bearer, 'orcheo-auth'], 'orcheo-auth']]) {
    const told = await tell(page, '/socket', offered);
    const said = through(told);
    assert.equal(told.protocol, protocol);
    assert.equal(said.headers['sec-websocket-protocol'], protocol);
    assert.equal(said.headers['x-auth-type'], 'service_token');
  }
  refused(await tell(page, '/socket', ['chat', 'bearer.wrong']), 4401, 'auth.invalid_token');
  refused(await tell(page, '/writing', ['chat', bearer]), 4403, 'auth.missing_scope');
  await page.context().close();
});

test('with a ticket, once', async () => {
  const page = await stranger();
  await page.goto(`${live}/public/page`);
  const ticket = await page.evaluate(async (credential) => {
    const answer = await fetch('/api/ws-ticket', { method: 'POST', headers: { authorization: `Bearer ${credential}` } });
    return (await answer.json()).ticket;
  }, token);
  const said = through(await tell(page, `/socket?a=1&ticket=${ticket}`));
  assert.equal(said.url, '/socket?a=1');
  refused(await tell(page, `/socket?ticket=${ticket}`), 4401, 'auth.token_expired');
  await page.context().close();
});

test('a page is told why it is refused', async () => {
  const page = await stranger();
  refused(await tell(page, '/socket'), 4401, 'auth.missing_token');
  const offered = ['chat', `bearer.${token}`];
  for (let number = 0; number < 2; number += 1) through(await tell(page, '/limited', offered));
  refused(await tell(page, '/limited', offered), 4429, 'gateway.rate_limited');
  await page.context().close();
});
