// The account and the set-up with a keyboard alone, every page on the way examined in light and dark.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { examine, launch, open, press, silent, type } from './lib/browser.mjs';
import { MailSink, link } from './lib/mail.mjs';
import { issuer, person } from './lib/management.mjs';

const mails = new MailSink();
let browser;

before(async () => {
  await mails.listen();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await mails.close();
});

const at = (page) => new URL(page.url()).pathname;
const heading = (page) => page.locator('h1').first().innerText();

// Presses a key where the focus is, and waits for the page that this leads to.
const enter = (page) => Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
const follow = (page, target) => Promise.all([page.waitForNavigation(), press(page, target)]);

async function signIn(page, who) {
  await page.goto(`${issuer}/account`);
  await type(page, 'username', who.email);
  await enter(page);
  await type(page, 'current-password', who.password);
  await enter(page);
  assert.equal(at(page), '/account');
}

const room = (page, path) => follow(page, page.locator(`nav a[href="${path}"]`));
const form = (page, action) => page.locator(`form[action="${action}"]`);

test('change the password, be asked for it, and sign out', async () => {
  const ada = await person();
  const page = await open(browser);
  await signIn(page, ada);
  await room(page, '/account/security');
  const fields = form(page, '/account/security/password');
  const fresh = 'violet harbour 71 teapot engine';
  await press(page, fields.locator('input[autocomplete="current-password"]'), null);
  await page.keyboard.type('not the present one 5');
  await press(page, fields.locator('input[autocomplete="new-password"]'), null);
  await page.keyboard.type(fresh);
  await enter(page);
  assert.ok(await page.locator('[aria-invalid="true"]').count(), 'a wrong password is told at its field');
  await examine(page, 'a password that is not the present one');
  await press(page, page.locator('form[action="/account/security/password"] input[autocomplete="current-password"]'), 'Control+A');
  await page.keyboard.type(ada.password);
  await press(page, page.locator('form[action="/account/security/password"] input[autocomplete="new-password"]'), 'Control+A');
  await page.keyboard.type(fresh);
  await enter(page);
  assert.ok(await page.locator('[role="status"]').count(), await page.locator('main').innerText());
  await examine(page, 'the password is changed');
  await follow(page, page.locator('header form[action^="/sign-out"] button'));
  await examine(page, 'signed out');
  assert.equal(at(page), '/signed-out');
  await follow(page, page.locator('main a.button'));
  await signIn(page, { ...ada, password: fresh });
  // A page of somebody else's may link to it, so it asks.
  await page.goto(`${issuer}/sign-out`);
  await examine(page, 'sign out?');
  await follow(page, page.locator('main form button'));
  assert.equal(at(page), '/signed-out');
  page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
  silent(page);
  await page.context().close();
});

test('change the mail address', async () => {
  const ada = await person();
  const page = await open(browser);
  await signIn(page, ada);
  const fields = form(page, '/account/email');
  const moved = `moved.${ada.email}`;
  await press(page, fields.locator('input[type="email"]'), 'Control+A');
  await page.keyboard.type(moved);
  await press(page, fields.locator('input[autocomplete="current-password"]'), null);
  await page.keyboard.type(ada.password);
  await enter(page);
  await examine(page, 'a mail is on its way');
  await page.goto(link(await mails.take(moved)));
  await examine(page, 'the new address?');
  await follow(page, page.locator('main form button'));
  await examine(page, 'the address is changed');
  await page.context().clearCookies();
  await signIn(page, { ...ada, email: moved });
  silent(page);
  await page.context().close();
});

test('forget the password', async () => {
  const ada = await person();
  const page = await open(browser);
  await page.goto(`${issuer}/sign-in`);
  await type(page, 'username', ada.email);
  await enter(page);
  await follow(page, page.locator('a[href^="/forgot"]'));
  await type(page, 'email', ada.email);
  await enter(page);
  await examine(page, 'a mail is on its way');
  await page.goto(link(await mails.take(ada.email)));
  await type(page, 'new-password', 'short');
  await page.keyboard.press('Enter');
  await page.locator('input:invalid, [aria-invalid="true"]').first().waitFor();
  const fresh = 'plum orbit candle 93 gravel';
  await type(page, 'new-password', fresh);
  await enter(page);
  await examine(page, 'the password is new');
  await page.context().clearCookies();
  await signIn(page, { ...ada, password: fresh });
  page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
  silent(page);
  await page.context().close();
});

test('set the server up by its link', async () => {
  const log = fs.readFileSync(process.env.DOORWARD_SERVER_LOG, 'utf8');
  const [url] = /https?:\/\/\S+\/setup\?token=[\w-]+/.exec(log);
  const page = await open(browser);
  await page.goto(url);
  await examine(page, 'set up');
  const email = 'first@example.com';
  await press(page, page.locator('main input[type="email"]'), null);
  await page.keyboard.type(email);
  await type(page, 'new-password', 'plum orbit candle 93 gravel');
  const name = page.locator('main input[autocomplete~="name"]');
  if (await name.count()) await type(page, 'name', 'Ada Lovelace');
  await enter(page);
  await examine(page, `set up: ${await heading(page)}`);
  await page.goto(url);
  assert.equal(await page.locator('input[autocomplete~="new-password"]').count(), 0, 'the link works once');
  await examine(page, 'set up already');
  await page.context().clearCookies();
  await signIn(page, { email, password: 'plum orbit candle 93 gravel' });
  page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
  silent(page);
  await page.context().close();
});
