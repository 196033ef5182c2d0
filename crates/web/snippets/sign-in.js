const issuer = 'https://id.example.com';
const client = 'CLIENT_ID';
const back = 'https://app.example.com/callback';

const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const random = () => text(crypto.getRandomValues(new Uint8Array(32)));

// Sends the browser to sign in.
export async function signIn() {
  const [state, verifier] = [random(), random()];
  sessionStorage.setItem('sign-in', JSON.stringify({ state, verifier }));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  location.assign(`${issuer}/oauth2/authorize?${new URLSearchParams({
    response_type: 'code', client_id: client, redirect_uri: back, scope: 'openid profile email',
    state, code_challenge: text(digest), code_challenge_method: 'S256',
  })}`);
}

// At the address that the browser comes back to: the tokens.
export async function signedIn() {
  const answer = new URLSearchParams(location.search);
  const { state, verifier } = JSON.parse(sessionStorage.getItem('sign-in') ?? '{}');
  sessionStorage.removeItem('sign-in');
  if (!state || answer.get('state') !== state || answer.get('iss') !== issuer) throw new Error('not asked for');
  if (answer.has('error')) throw new Error(answer.get('error_description') ?? answer.get('error'));
  const response = await fetch(`${issuer}/oauth2/token`, { method: 'POST', body: new URLSearchParams({
    grant_type: 'authorization_code', client_id: client, redirect_uri: back,
    code: answer.get('code'), code_verifier: verifier,
  }) });
  const tokens = await response.json();
  if (!response.ok) throw new Error(tokens.error_description ?? tokens.error);
  return tokens;
}
