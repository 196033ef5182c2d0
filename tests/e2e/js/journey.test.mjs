// From the sign-up mail to a signed-in application and back out, with a keyboard, with and without
// JavaScript.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { Application } from './lib/application.mjs';
import { examine, launch, open, press, silent, type } from './lib/browser.mjs';
import { MailSink, link } from './lib/mail.mjs';
import { issuer } from './lib/management.mjs';

const password = 'plum orbit candle 93 gravel';
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

const heading = (page) => page.locator('h1').first().innerText();

async function signUp(page, email, { examined }) {
  const look = (name) => (examined ? examine(page, name) : undefined);
  await press(page, page.getByRole('link', { name: 'Sign in' }));
  await page.waitForURL(`${issuer}/**`);
  await look('sign in');
  await press(page, page.getByRole('link', { name: /create/i }));
  await page.waitForURL('**/sign-up**');
  await look('sign up');
  if (await page.locator('input[autocomplete~="name"]').count()) await type(page, 'name', 'Ada Lovelace');
  await type(page, 'email', email);
  await type(page, 'new-password', password);
  await page.keyboard.press('Enter');
  await page.getByText(email).waitFor();
  await look('check your mail');
  await page.goto(link(await mails.take(email)));
  await look('verify');
  await press(page, page.locator('main form button'));
  await page.waitForLoadState();
}

// From wherever the sign-up ended to the application: some pages ask for more, each with one answer.
async function reach(page, app, email, { examined }) {
  const look = (name) => (examined ? examine(page, name) : undefined);
  for (let steps = 0; steps < 8; steps += 1) {
    await page.waitForLoadState();
    if (page.url().startsWith(app.url)) return;
    const allow = page.locator('button[value="allow"]');
    const secret = page.locator('input[autocomplete~="current-password"]');
    const who = page.locator('input[autocomplete~="username"]:not([hidden])');
    await look(await heading(page));
    const before = `${page.url()} ${await heading(page)}`;
    if (await allow.count()) await press(page, allow);
    else if (await secret.count()) { await type(page, 'current-password', password); await page.keyboard.press('Enter'); }
    else if (await who.count()) { await type(page, 'username', email); await page.keyboard.press('Enter'); }
    else await press(page, page.locator('main a.button, main button').first());
    const moved = async () => `${page.url()} ${await heading(page).catch(() => '')}` !== before;
    for (let waits = 0; waits < 100 && !(await moved()); waits += 1) await page.waitForTimeout(50);
  }
  throw new Error(`did not reach the application: ${page.url()}\n${await page.locator('body').innerText()}`);
}

for (const javaScriptEnabled of [true, false]) {
  test(`sign up, sign in, sign out with a keyboard, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const app = await Application.start();
    const page = await open(browser, { javaScriptEnabled });
    const how = { examined: javaScriptEnabled };
    const email = `keyboard${javaScriptEnabled ? 1 : 2}@example.com`;
    try {
      await page.goto(app.url);
      await signUp(page, email, how);
      await reach(page, app, email, how);
      assert.equal(await page.locator('#who').innerText(), email);

      await press(page, page.getByRole('link', { name: 'Sign out' }));
      await reach(page, app, email, how);
      assert.equal(await heading(page), 'Sample notes');

      await press(page, page.getByRole('link', { name: 'Sign in' }));
      await page.waitForURL(`${issuer}/**`);
      assert.ok(await page.locator('input[autocomplete~="username"]').count(), 'signing out ended the session');
      await reach(page, app, email, how);
      assert.equal(await page.locator('#who').innerText(), email);
      silent(page);
    } finally {
      await page.context().close();
      await app.stop();
    }
  });
}

test('a forgotten password', async () => {
  const app = await Application.start();
  const page = await open(browser);
  const email = 'forgetful@example.com';
  const fresh = 'violet harbour 71 teapot engine';
  try {
    await page.goto(app.url);
    await signUp(page, email, { examined: false });
    await reach(page, app, email, { examined: false });
    await page.context().clearCookies();

    await page.goto(`${issuer}/forgot`);
    await examine(page, 'forgot');
    await type(page, 'email', email);
    await page.keyboard.press('Enter');
    await page.getByText(email).waitFor();
    await page.goto(link(await mails.take(email)));
    await examine(page, 'reset');
    await type(page, 'new-password', fresh);
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    await page.context().clearCookies();
    await page.goto(`${issuer}/account`);
    for (const [word, text] of [['username', email], ['current-password', fresh]]) {
      await type(page, word, text);
      await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    }
    assert.equal(new URL(page.url()).pathname, '/account');
    const said = {
      name: 'Ada Lovelace', given_name: 'Ada', family_name: 'Lovelace', phone_number: '+44 20 7946 0000',
      picture: 'https://pictures.example/ada.png', locale: 'en-GB', zone: 'Europe/London',
    };
    for (const [id, text] of Object.entries(said)) await page.locator(`#${id}`).fill(text);
    const save = page.locator('form[action="/account/profile"] button');
    await Promise.all([page.waitForNavigation(), press(page, save)]);
    await page.getByText('Your profile is saved.').waitFor();
    await page.reload();
    for (const [id, text] of Object.entries(said)) assert.equal(await page.locator(`#${id}`).inputValue(), text);
    await examine(page, 'profile');
    silent(page);
  } finally {
    await page.context().close();
    await app.stop();
  }
});
