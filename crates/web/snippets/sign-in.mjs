// npm install openid-client; node --env-file=.env sign-in.mjs
import http from 'node:http';
import * as oidc from 'openid-client';

const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_REDIRECT_URI } = process.env;
const issuer = new URL(OIDC_ISSUER);
const back = new URL(OIDC_REDIRECT_URI);
const proof = OIDC_CLIENT_SECRET ? oidc.ClientSecretBasic(OIDC_CLIENT_SECRET) : oidc.None();
const options = issuer.protocol === 'http:' ? { execute: [oidc.allowInsecureRequests] } : {};
const config = await oidc.discovery(issuer, OIDC_CLIENT_ID, undefined, proof, options);

async function setOut(response) {
  const [state, verifier] = [oidc.randomState(), oidc.randomPKCECodeVerifier()];
  const to = oidc.buildAuthorizationUrl(config, {
    redirect_uri: back.href, scope: 'openid profile email', state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  const cookie = `sign_in=${state}.${verifier}; Path=/; HttpOnly; SameSite=Lax`;
  response.writeHead(302, { location: to.href, 'set-cookie': cookie }).end();
}

async function comeBack(url, cookies, response) {
  const [, state, verifier] = /(?:^|; )sign_in=([^.;]+)\.([^;]+)/.exec(cookies ?? '') ?? [];
  const tokens = await oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier, expectedState: state });
  const { sub, email } = tokens.claims();
  response.end(`Signed in: ${email ?? sub}\n`);
}

http.createServer((request, response) => {
  const url = new URL(request.url, back);
  const answer = url.pathname === back.pathname
    ? comeBack(url, request.headers.cookie, response) : setOut(response);
  answer.catch((error) => response.writeHead(400).end(`${error.message}\n`));
}).listen(back.port || 3000, '127.0.0.1');
