// A person at a browser without JavaScript: follows redirects, keeps cookies, fills in forms by what
// the fields are for (their autocomplete words), and presses the button that a person would.

import http from 'node:http';
import assert from 'node:assert/strict';

export class Person {
  // `from`: the loopback address that the requests come from, as if the person were somewhere else.
  constructor({ email, password, issuer, from }) {
    Object.assign(this, { email, password, issuer: new URL(issuer) });
    this.place = from ? { localAddress: from, family: 4 } : {};
    this.cookies = new Map();
  }

  // One request; cookies go both ways, redirects are not followed.
  async ask(method, url, body) {
    const headers = {
      accept: 'text/html',
      'user-agent': 'Doorward-E2E/1.0',
      'sec-fetch-site': method === 'POST' ? 'same-origin' : 'none',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    if (this.cookies.size) {
      headers.cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    }
    if (body !== undefined) {
      headers['content-type'] = 'application/x-www-form-urlencoded';
      headers['content-length'] = Buffer.byteLength(body);
      headers.origin = this.issuer.origin;
    }
    const answer = await new Promise((done, fail) => {
      const request = http.request(url, { method, headers, ...this.place }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => done({
          status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString(), url,
        }));
      });
      request.on('error', fail);
      request.end(body);
    });
    for (const cookie of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }

  // Follows redirects as long as they stay with the issuer. Answers the page, or where it leads out.
  async follow(method, url, body) {
    let answer = await this.ask(method, new URL(url), body);
    for (let hops = 0; hops < 12; hops += 1) {
      if (![301, 302, 303, 307, 308].includes(answer.status)) return { page: answer };
      const next = new URL(answer.headers.location, answer.url);
      if (next.origin !== this.issuer.origin) return { out: next, page: answer };
      answer = await this.ask('GET', next);
    }
    throw new Error(`too many redirects at ${answer.url}`);
  }

  // Sends a form of the page with the fields that `values` names.
  submit(page, form, values = {}, button) {
    const fields = new URLSearchParams();
    for (const { name, type, value, checked } of form.inputs) {
      if (!name || (type === 'checkbox' && !checked && !(name in values))) continue;
      fields.set(name, name in values ? values[name] : value);
    }
    if (button?.name) fields.set(button.name, button.value);
    return this.follow(form.method, new URL(form.action || page.url, page.url), fields.toString());
  }

  // Goes to an authorization URL and does what every page asks for until it leads out.
  async authorize(url) {
    let at = await this.follow('GET', url);
    const seen = [];
    for (let steps = 0; steps < 8; steps += 1) {
      if (at.out) return at.out;
      const post = formPost(at.page);
      if (post) return post;
      seen.push(`${at.page.status} ${at.page.url} “${title(at.page)}”`);
      assert.equal(at.page.status, 200, `a page that asks something:\n${seen.join('\n')}\n${at.page.text.slice(0, 2000)}`);
      at = await this.answer(at.page);
    }
    throw new Error(`no way out:\n${seen.join('\n')}\n${at.page?.text}`);
  }

  answer(page) {
    for (const form of forms(page.text)) {
      const has = (word) => form.inputs.find((input) => input.autocomplete?.split(' ').includes(word) && !input.hidden);
      const password = has('current-password');
      if (password) return this.submit(page, form, { [password.name]: this.password });
      const who = has('username') ?? has('email');
      if (who) return this.submit(page, form, { [who.name]: this.email });
      const allow = form.buttons.find((button) => button.value === 'allow');
      if (allow) return this.submit(page, form, {}, allow);
      const account = form.buttons.find((button) => button.text.includes(this.email));
      if (account) return this.submit(page, form, {}, account);
    }
    throw new Error(`nothing to do on “${title(page)}” at ${page.url}:\n${page.text}`);
  }
}

// What a form_post page would send, as a URL with the parameters for the client library to read.
function formPost(page) {
  const form = forms(page.text).find((it) => it.inputs.some(({ name }) => name === 'iss'));
  if (!form) return undefined;
  const out = new URL(form.action);
  out.hash = new URLSearchParams(form.inputs.map(({ name, value }) => [name, value])).toString();
  return out;
}

export const title = (page) => /<h1[^>]*>([\s\S]*?)<\/h1>/.exec(page.text)?.[1].trim() ?? '';

// The forms of a page, with their inputs and buttons.
export function forms(html) {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, head, inside]) => ({
    ...attributes(head),
    method: (attributes(head).method ?? 'get').toUpperCase(),
    inputs: [...inside.matchAll(/<input\b([^>]*)>/g)].map(([, it]) => ({ value: '', type: 'text', ...attributes(it) }))
      .map((it) => ({ ...it, hidden: 'hidden' in it || it.type === 'hidden', checked: 'checked' in it })),
    buttons: [...inside.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/g)]
      .map(([, it, text]) => ({ ...attributes(it), text: text.replace(/<[^>]*>/g, ' ').trim() })),
  }));
}

function attributes(text) {
  const unescape = (value) => value.replace(/&(#x?[0-9a-f]+|amp|lt|gt|quot|apos);/gi, (_, it) => {
    const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[it];
    return named ?? String.fromCodePoint(it[1] === 'x' ? parseInt(it.slice(2), 16) : parseInt(it.slice(1), 10));
  });
  return Object.fromEntries([...text.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)].map(([, name, value = '']) => [name, unescape(value)]));
}
