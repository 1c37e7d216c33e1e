// npm's openid-client as a client of Doorward. A person with a browser is asked for by crates/e2e/src/script.rs.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const place = `${process.env.DOORWARD_TEST_OPENID_CLIENT}/node_modules/openid-client/build/index.js`;
const oidc = await import(pathToFileURL(place));
const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } = process.env;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(question) {
  console.log(JSON.stringify(question));
  return JSON.parse((await answers.next()).value);
}

/** What the browser brings to the redirect URI: an address, or a request by POST. */
async function visit(url) {
  const { url: back, body } = await ask({ visit: url.href });
  if (!body) return new URL(back);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return new Request(back, { method: 'POST', headers, body });
}

function discover(algorithm, authentication) {
  const options = { algorithm, execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] };
  return oidc.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, authentication, options);
}

async function checks(config) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const expectedNonce = oidc.randomNonce();
  const url = (more) => oidc.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI, scope: 'openid profile email offline_access', state: expectedState,
    nonce: expectedNonce, ...more,
  });
  const challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier);
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
  return { url, pkce, checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true } };
}

async function code(config, more = {}) {
  const { url, pkce, checks: expected } = await checks(config);
  return oidc.authorizationCodeGrant(config, await visit(url({ ...pkce, ...more })), expected);
}

const config = await discover('oidc', oidc.ClientSecretBasic(CLIENT_SECRET));
assert.equal(config.serverMetadata().issuer, ISSUER);

// The code flow, and what its tokens are good for.
const tokens = await code(config);
const claims = tokens.claims();
assert.equal(claims.preferred_username, 'alice');
const person = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
assert.equal(person.email, 'alice@example.org');
const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
assert.equal(renewed.claims().sub, claims.sub);
assert.notEqual(renewed.access_token, tokens.access_token);
assert.notEqual(renewed.refresh_token, tokens.refresh_token);
const seen = await oidc.tokenIntrospection(config, renewed.access_token);
assert.equal(seen.active, true);
assert.equal(seen.client_id, CLIENT_ID);
await oidc.tokenRevocation(config, renewed.refresh_token);
assert.equal((await oidc.tokenIntrospection(config, renewed.refresh_token)).active, false);
await assert.rejects(oidc.refreshTokenGrant(config, renewed.refresh_token), { error: 'invalid_grant' });

// The same by form, with the secret in the body, and found by RFC 8414.
const other = await discover('oauth2', oidc.ClientSecretPost(CLIENT_SECRET));
assert.equal(other.serverMetadata().token_endpoint, config.serverMetadata().token_endpoint);
assert.equal((await code(other, { response_mode: 'form_post' })).claims().sub, claims.sub);

// Hybrid, by fragment and by form.
for (const response_mode of ['fragment', 'form_post']) {
  const hybrid = await discover('oidc');
  oidc.useCodeIdTokenResponseType(hybrid);
  const made = await code(hybrid, { response_mode });
  assert.equal(made.claims().sub, claims.sub);

  const implicit = await discover('oidc');
  oidc.useIdTokenResponseType(implicit);
  const { url, checks: { expectedNonce, expectedState } } = await checks(implicit);
  const back = await visit(url({ response_mode, scope: 'openid profile' }));
  const idToken = await oidc.implicitAuthentication(implicit, back, expectedNonce, { expectedState });
  assert.equal(idToken.sub, claims.sub);
}

// A device, and nobody at all.
const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile' });
assert.equal((await ask({ allow: device.verification_uri_complete })).status, 200);
const onDevice = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 });
assert.equal(onDevice.claims().sub, claims.sub);
const alone = await oidc.clientCredentialsGrant(config, { scope: 'profile' });
assert.equal((await oidc.tokenIntrospection(config, alone.access_token)).active, true);
assert.equal(alone.refresh_token, undefined);

// Signing out ends what was given in the session and without offline_access.
const last = await code(config, { scope: 'openid profile' });
const out = oidc.buildEndSessionUrl(config, {
  post_logout_redirect_uri: REDIRECT_URI, id_token_hint: last.id_token, state: 'signed-out',
});
const back = await visit(out);
assert.equal(back.searchParams.get('state'), 'signed-out');
assert.equal((await oidc.tokenIntrospection(config, last.access_token)).active, false);
process.exit(0);
