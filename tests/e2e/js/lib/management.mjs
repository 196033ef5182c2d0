// Setting up through the management API, as an operator with the bootstrap token.

import assert from 'node:assert/strict';

export const issuer = process.env.DOORWARD_ISSUER;
export const mailPort = Number(process.env.DOORWARD_MAIL_PORT);

export async function api(method, path, body, { status, headers, at = issuer } = {}) {
  const answer = await fetch(`${at}/api/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${process.env.DOORWARD_BOOTSTRAP}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const expected = status ?? { POST: 201, GET: 200, PATCH: 200, DELETE: 204 }[method];
  assert.equal(answer.status, expected, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

let made = 0;

export async function person(more = {}) {
  made += 1;
  const email = `person${made}.${Date.now()}@example.com`;
  const password = `correct horse battery ${made} staple`;
  const user = await api('POST', 'users', { email, password, name: 'Ada Lovelace', email_verified: true, ...more });
  return { ...user, email, password };
}

export const client = (more = {}) => api('POST', 'clients', {
  name: 'Sample application',
  type: 'confidential',
  redirect_uris: ['https://app.example/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  token_endpoint_auth_method: 'client_secret_basic',
  ...more,
});
