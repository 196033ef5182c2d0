// Headless Chromium, a keyboard, and what every page must hold.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export function launch() {
  const executablePath = process.env.CHROMIUM ?? programs.find((path) => fs.existsSync(path));
  assert.ok(executablePath, 'Chromium is not installed (`./dev test` installs it)');
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

// A window whose console must stay silent.
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1024, height: 768 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => page.complaints.push(`${page.url()}: ${error.stack}`));
  page.on('requestfailed', (request) => {
    const failure = request.failure()?.errorText;
    if (failure !== 'net::ERR_ABORTED') page.complaints.push(`${request.url()}: ${failure}`);
  });
  return page;
}

export const silent = (page) => assert.deepEqual(page.complaints, []);

// Presses Tab until the element has the focus, sees that the focus shows, and presses the key.
export async function press(page, target, key = 'Enter') {
  const element = target.first();
  await element.waitFor();
  for (let tries = 0; tries < 60; tries += 1) {
    if (await element.evaluate((it) => it === document.activeElement)) {
      const shows = await element.evaluate((it) => {
        const style = getComputedStyle(it);
        return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
      });
      assert.ok(shows, `the focus on “${await element.evaluate((it) => it.outerHTML.slice(0, 120))}” is not visible`);
      if (key) await page.keyboard.press(key);
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${target} on ${page.url()}`);
}

// Types into the field with this autocomplete word, over what is there.
export async function type(page, word, text) {
  await press(page, page.locator(`input[autocomplete~="${word}"]:not([hidden])`), 'Control+A');
  await page.keyboard.type(text);
}

// A page may still be on its way to the next one when it is looked at: then the next one is looked at.
export async function examine(page, name) {
  for (let tries = 0; ; tries += 1) {
    await page.waitForLoadState();
    try {
      return await examineOnce(page, name);
    } catch (error) {
      if (tries === 3 || !/context was destroyed|because of a navigation/.test(error.message)) throw error;
    }
  }
}

// In the dark, only what looks at colours can come to something else.
const rules = {
  light: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  dark: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] },
};

// No axe violation in light and dark, at desktop and at phone width; nothing wider than the window.
async function examineOnce(page, name) {
  if (await page.evaluate(() => window.axe === undefined)) await page.evaluate(axeSource);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules[colorScheme]);
    const told = found.violations.map((it) => `${it.id}: ${it.help}\n  ${it.nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n  ')}`);
    assert.deepEqual(told, [], `${name} in ${colorScheme}, ${page.url()}`);
  }
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} scrolls sideways by ${wide} px at 320 px`);
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}
