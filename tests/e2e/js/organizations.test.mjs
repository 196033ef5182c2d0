// Life in organisations with a keyboard alone: an invitation by mail, switching, making one, leaving, and
// answering what one asks.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { examine, launch, open, press, silent, type } from './lib/browser.mjs';
import { Application } from './lib/application.mjs';
import { MailSink, link } from './lib/mail.mjs';
import { api, issuer, person } from './lib/management.mjs';

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

const at = (page) => new URL(page.url()).pathname;
const follow = (page, target) => Promise.all([page.waitForNavigation(), press(page, target)]);
const button = (page, name) => page.getByRole('button', { name });

for (const javaScriptEnabled of [true, false]) {
  test(`from the mail of an invitation to leaving, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const slug = `acme${Number(javaScriptEnabled)}`;
    const email = `${slug}@example.com`;
    await api('POST', 'orgs', { name: `Acme ${slug}`, slug });
    await api('POST', `orgs/${slug}/invitations`, { email, role: 'member' });
    const page = await open(browser, { javaScriptEnabled });
    const look = (name) => (javaScriptEnabled ? examine(page, name) : undefined);
    const told = async (words) => assert.ok((await page.locator('body').innerText()).includes(words), words);
    const asked = [];
    page.on('request', (request) => asked.push(request));

    await page.goto(link(await mails.take(email)));
    assert.equal(page.url(), `${issuer}/invitation`, 'the token has left the address');
    await told(`You are invited to Acme ${slug}`);
    await look('an invitation');
    await type(page, 'name', 'Ada Lovelace');
    await type(page, 'new-password', password);
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    assert.equal(at(page), '/account/organizations');
    await told('You have joined.');
    await look('organisations');
    const referers = await Promise.all(asked.map((request) => request.headerValue('referer')));
    assert.ok(referers.every((referer) => !referer?.includes('token=')), `${referers}`);

    await page.goto(`${issuer}/account/keys`);
    await press(page, page.locator('.switch summary'));
    await look('the switcher');
    if (javaScriptEnabled) {
      const tall = () => page.locator('header').first().evaluate((it) => it.offsetHeight);
      const before = page.viewportSize();
      await page.setViewportSize({ width: 1440, height: 900 });
      const open = await tall();
      await page.keyboard.press('Escape');
      assert.equal(await page.locator('.switch[open]').count(), 0, 'Escape closes it');
      assert.equal(await tall(), open, 'open, it pushes nothing down');
      await page.setViewportSize(before);
      await press(page, page.locator('.switch summary'));
    }
    await follow(page, page.locator('.switch button', { hasText: `Acme ${slug}` }));
    assert.equal(at(page), '/account/keys');
    assert.match(await page.locator('.switch summary').innerText(), new RegExp(`Acme ${slug}`));

    await page.goto(`${issuer}/account/organizations`);
    await press(page, page.locator('#name'), null);
    await page.keyboard.type('Analytical Engine');
    await follow(page, button(page, 'Create organisation'));
    await told('The organisation is made, and you own it.');
    assert.match(at(page), /^\/console\/organizations\/org_/);
    await look('the console of who owns one');
    await page.goto(`${issuer}/account/organizations`);
    await look('what is run is managed');
    await follow(page, page.getByRole('link', { name: 'Leave Analytical Engine' }));
    await look('leaving asks');
    await follow(page, button(page, 'Leave'));
    await told('You are its last owner.');
    // Chromium itself reports the status of a form that is shown again.
    page.complaints = page.complaints.filter((it) => !/status of 422/.test(it));
    await look('the last owner stays');

    await page.goto(`${issuer}/account/organizations`);
    await follow(page, page.getByRole('link', { name: `Leave Acme ${slug}` }));
    await follow(page, button(page, 'Leave'));
    await told('You have left the organisation.');
    silent(page);
    await page.context().close();
  });
}

for (const javaScriptEnabled of [true, false]) {
  test(`what is asked is answered before an application acts, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const slug = `asks${Number(javaScriptEnabled)}`;
    const name = `Asking ${slug}`;
    const ada = await person();
    await api('POST', 'orgs', { name, slug });
    await api('POST', `orgs/${slug}/members`, { user_id: ada.id, role: 'member' });
    for (const field of [
      { key: 'department', kind: 'choice', label: 'Department', options: ['Sales', 'R&D'], required: true, in_claims: true },
      { key: 'staff', kind: 'number', label: 'Staff number', required: true, in_claims: true },
      { key: 'remote', kind: 'boolean', label: 'Works remotely' },
      { key: 'birthday', kind: 'date', label: 'Birthday' },
      { key: 'home', kind: 'url', label: 'A rather long label of a web address that is to wrap on a telephone' },
    ]) await api('POST', `orgs/${slug}/fields`, field);
    const app = await Application.start();
    await api('PATCH', `clients/${app.config.clientMetadata().client_id}`, { organizations: 'team', first_party: true });
    const page = await open(browser, { javaScriptEnabled });
    const look = (what) => (javaScriptEnabled ? examine(page, what) : undefined);
    const enter = () => Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    const answer = async (id, words) => {
      await press(page, page.locator(`#${id}`), null);
      await page.keyboard.press('Control+A');
      await page.keyboard.type(words);
    };

    await page.goto(`${app.url}/login`);
    await type(page, 'username', ada.email);
    await enter();
    await type(page, 'current-password', ada.password);
    await enter();
    assert.equal(at(page), '/choose-organization');
    await follow(page, page.locator('.choices button'));
    assert.equal(at(page), '/complete-profile');
    assert.ok((await page.locator('main').innerText()).includes(`${name} asks for this`));
    await look('a profile to complete');
    await answer('field-department', 'R');
    await answer('field-staff', 'seven');
    await follow(page, button(page, 'Continue'));
    assert.equal(await page.locator('#field-staff[aria-invalid="true"]').count(), 1);
    assert.equal(await page.locator('[aria-invalid="true"]').count(), 1, 'the others were right');
    // Chromium itself reports the status of a form that is shown again.
    page.complaints = page.complaints.filter((it) => !/status of 422/.test(it));
    await look('a profile with an error');
    await answer('field-staff', '7');
    await follow(page, button(page, 'Continue'));
    assert.equal(await page.locator('h1').innerText(), 'Signed in');
    const told = { department: 'R&D', staff: 7 };
    assert.deepEqual(app.tokens.claims().tenant_profile, told);
    assert.deepEqual(app.info.tenant_profile, told);

    await page.goto(`${issuer}/account/organizations`);
    await follow(page, page.getByRole('link', { name: `Your profile at ${name}` }));
    await look('a profile at an organisation');
    assert.equal(await page.locator('#field-staff').inputValue(), '7');
    await answer('field-staff', '8');
    await follow(page, button(page, 'Save'));
    assert.match(await page.locator('[role="status"]').first().innerText(), /saved/);
    const { values } = await api('GET', `orgs/${slug}/members/${ada.id}/profile`);
    assert.deepEqual(values, { department: 'R&D', staff: 8 });
    silent(page);
    await page.context().close();
    await app.stop();
  });
}
