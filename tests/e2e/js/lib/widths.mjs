// What every page holds at every width: nothing scrolls sideways, and the first paint is small.

import assert from 'node:assert/strict';
import { examine } from './browser.mjs';
import { issuer } from './management.mjs';

// The page and its stylesheets together, as they are sent before compression.
async function firstPaint(page, name) {
  const styles = await page.locator('link[rel="stylesheet"]').evaluateAll((all) => all.map((it) => it.href));
  const sizes = await Promise.all([page.url(), ...styles].map((url) => page.evaluate(
    async (it) => (await (await fetch(it)).arrayBuffer()).byteLength, url)));
  assert.ok(sizes.reduce((sum, it) => sum + it, 0) < 60 * 1024, `the first paint of ${name} takes ${sizes} bytes`);
}

export async function everyWidth(page, path) {
  const answer = await page.goto(`${issuer}${path}`);
  assert.equal(answer.status(), 200, path);
  for (const width of [768, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${path} scrolls sideways by ${wide} px at ${width} px`);
  }
  await examine(page, path);
  await firstPaint(page, path);
}
