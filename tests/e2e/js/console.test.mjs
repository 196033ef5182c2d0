// The console. Its pages of service tokens with a keyboard alone: from making one to the end of it, with what the
// gateway says of its secret in between; then every other area. Every page on the way is examined.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { examine, launch, open, press, silent, type } from './lib/browser.mjs';
import { everyWidth } from './lib/widths.mjs';
import { api, issuer, person } from './lib/management.mjs';

const LIST = '/console/service-tokens';
let browser;

before(async () => { browser = await launch(); });
after(() => browser?.close());

const at = (page) => new URL(page.url()).pathname;
const follow = (page, target) => Promise.all([page.waitForNavigation(), press(page, target)]);
const secretOf = (page) => page.locator('#secret').innerText();

async function validate(secret) {
  const answer = await fetch(`${issuer}/validate`, { headers: { authorization: `Bearer ${secret}` } });
  await answer.arrayBuffer();
  return answer.status;
}

async function fill(page, fields) {
  for (const [id, text] of Object.entries(fields)) {
    await press(page, page.locator(`#${id}`), 'Control+A');
    await page.keyboard.type(text);
  }
}

async function signIn(page, who) {
  await type(page, 'username', who.email);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await type(page, 'current-password', who.password);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
}

test('from making a token to its end', async () => {
  const root = await person({ role: 'admin' });
  const page = await open(browser);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: issuer });
  await page.goto(`${issuer}/console`);
  await signIn(page, root);
  await follow(page, page.locator(`nav a[href="${LIST}"]`));
  assert.equal(at(page), LIST);
  await examine(page, 'the list');
  await follow(page, page.locator(`main a[href="${LIST}/new"]`));
  await examine(page, 'a new token');
  await fill(page, { name: 'bad name', current_password: root.password });
  await follow(page, page.locator('main form button:not([type=button])'));
  assert.ok(await page.locator('#name[aria-invalid="true"]').count());
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'alert');
  await examine(page, 'a form with an error');
  await fill(page, { name: 'nightly', scopes: 'workflows:read', days: '30', current_password: root.password });
  await follow(page, page.locator('main form button:not([type=button])'));
  const first = await secretOf(page);
  assert.match(first, /^dw_st_/);
  await examine(page, 'the secret');
  await press(page, page.locator('button[data-copy]'));
  await page.locator('button[data-copy]', { hasText: 'Copied' }).first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first);
  assert.equal(await validate(first), 200);

  await follow(page, page.locator(`main a.button[href^="${LIST}/tok_"]`));
  assert.ok(!(await page.content()).includes(first), 'it is shown once');
  await examine(page, 'its page');
  await follow(page, page.locator('main a[href$="/rotate"]'));
  await examine(page, 'a rotation');
  await fill(page, { minutes: '10', current_password: root.password });
  await follow(page, page.locator('main form button:not([type=button])'));
  const second = await secretOf(page);
  await examine(page, 'the next secret');
  assert.deepEqual([await validate(first), await validate(second)], [200, 200]);

  await follow(page, page.locator(`main a.button[href^="${LIST}/tok_"]`));
  await examine(page, 'a page with two versions');
  await follow(page, page.locator('main a[href$="/revoke"]'));
  await examine(page, 'a revocation');
  await fill(page, { reason: 'in a pasted log', confirm: 'nightly' });
  await follow(page, page.locator('main form button.danger'));
  assert.ok(await page.locator('[role="status"]').count());
  await examine(page, 'the end of it');
  assert.deepEqual([await validate(first), await validate(second)], [401, 401]);

  await follow(page, page.locator(`nav.trail a[href="${LIST}"]`));
  await fill(page, { query: 'night' });
  await page.locator('#status').selectOption('revoked');
  await follow(page, page.locator('form[role="search"] button'));
  assert.match(page.url(), /query=night&status=revoked/);
  assert.equal(await page.locator('table tbody tr').count(), 2);
  await examine(page, 'what is found');
  page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
  silent(page);
  await page.context().close();
});

test('without JavaScript', async () => {
  const root = await person({ role: 'admin' });
  const page = await open(browser, { javaScriptEnabled: false });
  await page.goto(`${issuer}${LIST}/new`);
  await page.fill('#identifier', root.email);
  await page.click('main form button');
  await page.fill('#password', root.password);
  await page.click('main form button:not([type=button])');
  assert.equal(at(page), `${LIST}/new`, 'back to the page that was asked for');
  await page.fill('#name', 'plain');
  await page.fill('#current_password', root.password);
  await page.click('main form button:not([type=button])');
  const secret = await secretOf(page);
  assert.equal(await page.locator('button[data-copy]:visible').count(), 0, 'no button that does nothing');
  assert.equal(await validate(secret), 200);
  await page.click(`main a.button[href^="${LIST}/tok_"]`);
  await page.click('main a[href$="/revoke"]');
  await page.fill('#reason', 'not needed');
  await page.fill('#confirm', 'plain');
  await page.click('main form button.danger');
  assert.match(await page.locator('main').innerText(), /Nothing accepts it any more/);
  assert.equal(await validate(secret), 401);
  await page.context().close();
});

test('people are found, made, changed and deleted', async () => {
  const root = await person({ role: 'admin' });
  const bob = await person({ name: 'Bob with a name that takes room, so that there is something to wrap', roles: ['editor', 'viewer'] });
  const page = await open(browser);
  await page.goto(`${issuer}/console/users`);
  await signIn(page, root);
  const its = `/console/users/${bob.id}`;
  for (const path of ['', `?query=${bob.email}`, '?query=nobody', '/new', `/${bob.id}`, `/${bob.id}/edit`, `/${bob.id}/delete`]) {
    await everyWidth(page, `/console/users${path}`);
  }
  await page.goto(`${issuer}${its}`);
  await follow(page, page.locator('main a[href$="/edit"]'));
  await fill(page, { name: 'Robert', locale: 'no language!' });
  await follow(page, page.locator('main form button'));
  assert.ok(await page.locator('#locale[aria-invalid="true"]').count());
  await examine(page, 'a person with an error');
  await fill(page, { locale: 'de' });
  await follow(page, page.locator('main form button'));
  assert.match(await page.locator('[role="status"]').first().innerText(), /saved/);
  await follow(page, page.locator('main a[href$="/suspend"]'));
  await examine(page, 'suspending asks');
  await follow(page, page.locator('main form button.danger'));
  await examine(page, 'a suspended person');
  await follow(page, page.locator('main a[href$="/delete"]'));
  await fill(page, { confirm: bob.email });
  await follow(page, page.locator('main form button.danger'));
  assert.equal(at(page), '/console/users');
  assert.match(await page.locator('[role="status"]').first().innerText(), /deleted/);
  page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
  silent(page);
  await page.context().close();
});

test('the overview shows a sign-in and one that failed', async () => {
  const root = await person({ role: 'admin' });
  const eva = await person({ name: 'Eva' });
  const acme = await api('POST', 'orgs', { name: 'Acme with an overview', owner: eva.id });
  const sums = async () => (await api('GET', 'analytics?interval=hour')).totals;
  const before = await sums();
  const page = await open(browser);
  await page.goto(`${issuer}/console`);
  await type(page, 'username', root.email);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await type(page, 'current-password', 'not this one');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await type(page, 'current-password', root.password);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  assert.equal(at(page), '/console');
  // Events are counted as they are sealed, within a second.
  for (let now = before; now.sign_ins <= before.sign_ins || now.sign_ins_failed <= before.sign_ins_failed;) now = await sums();
  await page.reload();
  const figure = page.locator('figure.chart').filter({ has: page.locator('#h-sign-ins') });
  await figure.locator('summary').click();
  const cells = await figure.locator('tbody tr td').allInnerTexts();
  const told = [0, 1].map((place) => cells.filter((_, n) => n % 2 === place).reduce((sum, cell) => sum + Number(cell.replaceAll(',', '')), 0));
  assert.ok(told[0] > before.sign_ins && told[1] > before.sign_ins_failed, `${told} after ${JSON.stringify(before)}`);
  assert.match(await page.locator('main').innerText(), /user\.signed_in/);
  for (const range of ['', '?range=7d', '?range=30d', '?range=90d']) await everyWidth(page, `/console${range}`);
  for (const path of ['', '/prices', '/prices/new']) await everyWidth(page, `/console/usage${path}`);
  page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
  silent(page);
  await page.context().close();

  const owner = await open(browser, { javaScriptEnabled: false });
  await owner.goto(`${issuer}/console/organizations/${acme.id}/overview`);
  await owner.fill('#identifier', eva.email);
  await owner.click('main form button');
  await owner.fill('#password', eva.password);
  await owner.click('main form button:not([type=button])');
  assert.equal(await owner.locator('figure.chart').count(), 3);
  await owner.click('main nav a[href$="range=7d"]');
  assert.match(await owner.locator('main nav a[aria-current]').innerText(), /7 days/);
  await owner.context().close();
});

test('an organisation by who administers the server, and by who runs it', async () => {
  const root = await person({ role: 'admin' });
  const eva = await person({ name: 'Eva' });
  const acme = await api('POST', 'orgs', { name: 'Acme', owner: eva.id });
  const its = `/console/organizations/${acme.id}`;
  await api('POST', `orgs/${acme.id}/invitations`, { email: 'somebody.with.a.long.address@example.com' });
  const room = await api('POST', `orgs/${acme.id}/workspaces`, { name: 'Design', slug: 'design' });
  await api('POST', `orgs/${acme.id}/workspaces/design/members`, { user_id: eva.id, role: 'editor' });
  const rooms = `/${acme.id}/workspaces`;
  for (const [key, label] of [['department', 'Department'], ['cost_center_of_the_employer', 'Cost centre of the employer']]) {
    await api('POST', `orgs/${acme.id}/fields`, { key, label, kind: 'choice', options: ['Sales', 'R&D'], required: true, in_claims: true });
  }
  for (const [who, paths] of [
    [root, ['', '/new', `/${acme.id}`, `/${acme.id}/edit`, `/${acme.id}/delete`, `/${acme.id}/members`, `/${acme.id}/members/new`, `${rooms}/new`]],
    [eva, [`/${acme.id}`, `/${acme.id}/members/${eva.id}`, `/${acme.id}/members/${eva.id}/remove`, `/${acme.id}/invitations/new`, `/${acme.id}/join-clients/new`,
      `/${acme.id}/fields/new`, `/${acme.id}/fields/department`, `/${acme.id}/fields/department/remove`,
      rooms, `${rooms}/${room.id}`, `${rooms}/${room.id}/edit`, `${rooms}/${room.id}/delete`, `${rooms}/${room.id}/members/new`, `${rooms}/${room.id}/members/${eva.id}`]],
  ]) {
    const page = await open(browser);
    await page.goto(`${issuer}/console`);
    await signIn(page, who);
    for (const path of paths) await everyWidth(page, `/console/organizations${path}`);
    if (who === eva) {
      await page.goto(`${issuer}/console`);
      assert.equal(at(page), its, 'the one that she runs');
      assert.equal(await page.locator('ul.rooms a').count(), 6);
    }
    silent(page);
    await page.context().close();
  }
});

test('what an organisation has of its own, by who owns it', async () => {
  const eva = await person({ name: 'Eva' });
  const acme = await api('POST', 'orgs', { name: 'Acme with things of its own', owner: eva.id });
  const its = `/console/organizations/${acme.id}`;
  const app = await api('POST', `orgs/${acme.id}/clients`, { name: 'Notes with a name that takes room', redirect_uris: ['http://127.0.0.1/callback'], scopes: ['openid', 'profile', 'email'] });
  const page = await open(browser);
  await page.goto(`${issuer}${its}/applications`);
  await signIn(page, eva);
  const apps = `${its}/applications`;
  for (const path of ['', '?query=nothing', '/new', '/new/server', '/new/native', `/${app.id}`, `/${app.id}/edit`, `/${app.id}/rotate`, `/${app.id}/suspend`, `/${app.id}/delete`]) {
    await everyWidth(page, `${apps}${path}`);
  }
  await page.goto(`${issuer}${apps}/new/server`);
  await fill(page, { name: 'Orders', redirect_uris: 'https://orders.example/callback', current_password: eva.password });
  await follow(page, page.locator('main form button:not([type=button])'));
  assert.ok(await page.locator('#redirect_uris[aria-invalid="true"]').count());
  await examine(page, 'an application beyond the organisation');
  await fill(page, { redirect_uris: 'http://127.0.0.1:8765/callback', current_password: eva.password });
  await follow(page, page.locator('main form button:not([type=button])'));
  assert.match(await secretOf(page), /^dw_cs_/);
  await examine(page, 'the secret of an application of an organisation');

  const tokens = `${its}/service-tokens`;
  for (const path of ['', '/new']) await everyWidth(page, `${tokens}${path}`);
  await page.goto(`${issuer}${tokens}/new`);
  await fill(page, { name: 'nightly', scopes: 'org:members:read', days: '30', current_password: eva.password });
  await follow(page, page.locator('main form button:not([type=button])'));
  assert.match(await secretOf(page), /^dw_st_/);
  await examine(page, 'the secret of a token of an organisation');
  await follow(page, page.locator(`main a.button[href^="${tokens}/tok_"]`));
  const token = at(page);
  for (const path of ['', '/rotate', '/revoke']) await everyWidth(page, `${token}${path}`);

  const claims = `${its}/claims`;
  const expression = `org.role == 'owner' ? '${'gold'.repeat(20)}' : (scopes.exists(s, s == 'email') ? user.email : 'plain')`;
  const claim = await api('POST', `orgs/${acme.id}/claims`, { name: 'https://acme.example/tier', client_id: app.client_id, expression });
  for (const path of ['', `?client_id=${app.id}`, '/new', '/test', `/${claim.id}`, `/${claim.id}/delete`]) await everyWidth(page, `${claims}${path}`);
  await page.goto(`${issuer}${claims}/${claim.id}`);
  await fill(page, { expression: 'org.role =' });
  await follow(page, page.locator('main form button:not([formaction])'));
  assert.ok(await page.locator('#expression[aria-invalid="true"]').count());
  await examine(page, 'an expression with an error');
  await page.goto(`${issuer}${claims}/test?client_id=${app.client_id}`);
  await fill(page, { expression: 'user.email' });
  await follow(page, page.locator('main form button'));
  assert.match(await page.locator('#h-access_token + pre, section:has(#h-access_token) pre').innerText(), /acme\.example\/tier/);
  await examine(page, 'what tokens would say');
  page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
  silent(page);
  await page.context().close();
});

test('identity providers, of the instance and of an organisation', async () => {
  const root = await person({ role: 'admin' });
  const eva = await person({ name: 'Eva' });
  const acme = await api('POST', 'orgs', { name: 'Acme with providers', owner: eva.id });
  const own = `/console/organizations/${acme.id}/providers`;
  for (const [who, list, slug] of [[root, '/console/providers', 'work'], [eva, own, `${acme.id}.work`]]) {
    const page = await open(browser);
    await page.goto(`${issuer}${list}`);
    await signIn(page, who);
    for (const path of ['', '/new', '/new?preset=openid', '/new?preset=apple']) await everyWidth(page, `${list}${path}`);
    await page.goto(`${issuer}${list}/new`);
    await follow(page, page.locator('main a[href$="preset=openid"]'));
    // An address that is refused before anybody is asked.
    await fill(page, { slug: 'work', name: 'Work', issuer: 'https://127.0.0.1:9', client_secret: 'a secret' });
    await fill(page, { client_id: 'ü' });
    await follow(page, page.locator('main form button'));
    assert.ok(await page.locator('#client_id[aria-invalid="true"]').count());
    await examine(page, 'a provider with an error');
    await fill(page, { client_id: 'us.apps.example', client_secret: 'a secret' });
    await follow(page, page.locator('main form button'));
    assert.match(await page.locator('main').innerText(), new RegExp(`/connect/${slug}/callback`));
    const its = at(page);
    for (const path of ['', '/edit', '/delete']) await everyWidth(page, `${its}${path}`);
    await page.goto(`${issuer}${its}`);
    await follow(page, page.locator('form[action$="/test"] button'));
    assert.match(await page.locator('main').innerText(), /What came of the try/);
    await examine(page, 'what came of a try');
    await follow(page, page.locator('main a[href$="/suspend"]'));
    await examine(page, 'suspending a provider asks');
    await follow(page, page.locator('main form button.danger'));
    await examine(page, 'a suspended provider');
    await follow(page, page.locator('main a[href$="/delete"]'));
    await fill(page, { confirm: 'Work' });
    await follow(page, page.locator('main form button.danger'));
    assert.equal(at(page), list);
    page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
    silent(page);
    await page.context().close();
  }
});

test('a brand, looked at with a file from disk, with and without JavaScript', async () => {
  const root = await person({ role: 'admin' });
  const eva = await person({ name: 'Eva' });
  const acme = await api('POST', 'orgs', { name: 'Acme with a brand', owner: eva.id });
  for (const [who, path, javaScriptEnabled] of [[root, '/console/branding', true], [eva, `/console/organizations/${acme.id}/branding`, false]]) {
    const page = await open(browser, { javaScriptEnabled });
    await page.goto(`${issuer}${path}`);
    await page.fill('#identifier', who.email);
    await page.click('main form button');
    await page.fill('#password', who.password);
    await page.click('main form button:not([type=button])');
    assert.equal(at(page), path);
    await page.fill('#primary_color', '#ffcc00');
    await page.click('main button[value="preview"]');
    const wrong = await page.locator('#primary_color-error').innerText();
    const nearest = wrong.match(/contrast of 1\.51:1 .*(#[0-9a-f]{6}) is the nearest/)[1];
    await page.fill('#primary_color', nearest);
    await page.setInputFiles('#logo', new URL('../../data/pictures/logo.png', import.meta.url).pathname);
    await page.click('main button[value="preview"]');
    const shades = await page.locator('.look .button').evaluateAll((all) => all.map((it) => getComputedStyle(it).backgroundColor));
    assert.notEqual(shades[0], shades[1], 'light and dark side by side');
    assert.equal(await page.locator('.look img').first().evaluate((it) => it.naturalWidth > 0), true, 'the picture is shown');
    if (javaScriptEnabled) await examine(page, 'a preview');
    await page.click('main button[value="save"]');
    assert.match(await page.locator('[role="status"]').first().innerText(), /brand is saved/);
    if (javaScriptEnabled) await everyWidth(page, path);
    await page.fill('#primary_color', '');
    await page.check('#bare');
    await page.click('main button[value="save"]');
    assert.equal(await page.locator('#bare').count(), 0, 'the logo is gone');
    page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
    silent(page);
    await page.context().close();
  }
});

test('settings and APIs', async () => {
  const root = await person({ role: 'admin' });
  const made = await api('POST', 'apis', { identifier: `https://api.example/${root.id}`, name: 'An API', scope_set: 'chroma' });
  const page = await open(browser);
  await page.goto(`${issuer}/console/settings`);
  await signIn(page, root);
  for (const path of ['settings', 'settings?query=tokens', 'apis', 'apis/new', ...['', '/connect', '/edit', '/delete'].map((below) => `apis/${made.id}${below}`)]) await everyWidth(page, `/console/${path}`);
  await page.goto(`${issuer}/console/settings?set=yes`);
  assert.ok(await page.locator('table.list tbody tr').count() > 0, 'the tests have set something');
  silent(page);
  await page.context().close();
});

test('the gateway', async () => {
  const root = await person({ role: 'admin' });
  await api('POST', 'routes', { name: `wiki-${root.id.toLowerCase()}`, hosts: [`${root.id.toLowerCase().replace('_', '-')}.example`], paths: ['/pages/**'], scopes: ['wiki:read'], rate_limit: '100/minute' });
  const page = await open(browser);
  await page.goto(`${issuer}/console/gateway`);
  await signIn(page, root);
  for (const path of ['', `/routes/wiki-${root.id.toLowerCase()}`, '/live', '/secrets', '/who']) await everyWidth(page, `/console/gateway${path}`);
  await fill(page, { url: `https://${root.id.toLowerCase().replace('_', '-')}.example/pages/1` });
  await follow(page, page.locator('main form button:not([type=button])'));
  assert.match(await page.locator('main').innerText(), /auth\.missing_token/);
  await examine(page, 'a decision');
  await page.goto(`${issuer}/console/gateway/live`);
  await validate('dw_st_nobody');
  await page.goto(`${issuer}/console/gateway/live?after=0`);
  assert.ok(await page.locator('table.list tbody tr').count(), 'what was just decided');
  await examine(page, 'live decisions');
  silent(page);
  await page.context().close();
});

test('what mails say, and announcements', async () => {
  const root = await person({ role: 'admin' });
  const eva = await person({ name: 'Eva' });
  const acme = await api('POST', 'orgs', { name: 'Acme with words', owner: eva.id });
  const said = { subject: 'Closed on Monday', text: 'We move the servers to a place with a name that takes room.' };
  for (const [who, above, list, template] of [
    [root, '', '/console', 'reset-password'],
    [eva, `orgs/${acme.id}/`, `/console/organizations/${acme.id}`, 'invitation'],
  ]) {
    const announced = await api('POST', `${above}announcements`, said);
    const page = await open(browser);
    await page.goto(`${issuer}${list}/mail-templates`);
    await signIn(page, who);
    const words = `/mail-templates/${template}/en`;
    for (const path of ['/mail-templates', words, `${words}/edit`, '/announcements', '/announcements/new', `/announcements/${announced.id}`]) await everyWidth(page, `${list}${path}`);
    await page.goto(`${issuer}${list}${words}/edit`);
    await fill(page, { subject: 'Hello {{nobody}}' });
    await Promise.all([page.waitForNavigation(), page.locator('main form button').first().click()]);
    assert.ok(await page.locator('#subject[aria-invalid="true"]').count());
    await examine(page, 'words with an error');
    page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
    silent(page);
    await page.context().close();
  }
});

test('roles of an organisation', async () => {
  const eva = await person({ name: 'Eva' });
  const acme = await api('POST', 'orgs', { name: 'Acme with roles', owner: eva.id });
  const all = `/console/organizations/${acme.id}/roles`;
  const page = await open(browser);
  await page.goto(`${issuer}/console/roles`);
  await signIn(page, eva);
  assert.equal(at(page), all, 'the one that she runs');
  for (const path of ['', '/new', '/owner', '/member/edit']) await everyWidth(page, `${all}${path}`);
  await page.goto(`${issuer}${all}/new`);
  await fill(page, { name: 'Analyst', permissions: 'admin:users:read' });
  await press(page, page.locator('[id="org:usage:read"]'), 'Space');
  await follow(page, page.locator('main form button'));
  assert.ok(await page.locator('#name[aria-invalid="true"]').count());
  await examine(page, 'a role with an error');
  await fill(page, { name: 'analyst' });
  await page.fill('#permissions', '');
  assert.ok(await page.locator('[id="org:usage:read"]').isChecked(), 'what was ticked is still there');
  await follow(page, page.locator('main form button'));
  assert.match(await page.locator('main').innerText(), /The role is made[^]*org:usage:read/);
  for (const path of ['', '/edit', '/delete']) await everyWidth(page, `${all}/analyst${path}`);
  page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
  silent(page);
  await page.context().close();
});

test('the audit trail goes on by itself, and by a link', async () => {
  const root = await person({ role: 'admin' });
  for (const javaScriptEnabled of [true, false]) {
    const page = await open(browser, { javaScriptEnabled });
    await page.goto(`${issuer}/console/audit/follow?code=user.created`);
    await page.fill('#identifier', root.email);
    await page.click('main form button');
    await page.fill('#password', root.password);
    await page.click('main form button:not([type=button])');
    assert.equal(at(page), '/console/audit/follow');
    const somebody = await person();
    const row = page.locator('table.list tbody tr', { hasText: somebody.id });
    if (javaScriptEnabled) {
      await row.waitFor();
      assert.match(await page.locator('#news').innerText(), /new/);
      await press(page, page.locator('button[data-follow]'));
      assert.equal(await page.locator('button[data-follow]').getAttribute('aria-pressed'), 'true');
      for (const path of ['', '/follow']) await everyWidth(page, `/console/audit${path}`);
    } else {
      assert.equal(await page.locator('button[data-follow]:visible').count(), 0, 'no button that does nothing');
      while (!await row.count()) await page.click('#newer');
    }
    page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
    silent(page);
    await page.context().close();
  }
});

test('for administrators only', async () => {
  const bob = await person();
  const page = await open(browser);
  await page.goto(`${issuer}${LIST}`);
  await signIn(page, bob);
  assert.match(await page.locator('h1').innerText(), /not open to you/);
  await examine(page, 'a refusal');
  await page.context().close();
});
