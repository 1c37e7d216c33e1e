// openid-client, a certified OpenID client. The test is its browser: see src/scripted.rs.

import assert from 'node:assert';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const entry = join(process.env.DOORWARD_TEST_OPENID_CLIENT, 'node_modules/openid-client/build/index.js');
const client = await import(pathToFileURL(entry));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const facts = await read();

async function ask(question) {
  print(question);
  return read();
}

// RFC 8414 has another address than OpenID Connect Discovery; the library builds both from the issuer.
function discover(algorithm = 'oidc') {
  const execute = [client.allowInsecureRequests];
  return client.discovery(new URL(facts.issuer), facts.client_id, facts.client_secret, undefined, { algorithm, execute });
}

// One sign-in: the address or the request at which the application's browser arrives, and what has to be checked of it.
async function arrive(config, more = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const nonce = client.randomNonce();
  const state = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: facts.redirect_uri,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    max_age: '300',
    nonce,
    state,
    ...more,
  });
  const { url: arrived, body } = await ask({ go: url.href });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const at = body === null ? new URL(arrived) : new Request(arrived, { method: 'POST', headers, body });
  return { at, verifier, nonce, state };
}

function redeem(config, { at, verifier, nonce, state }) {
  return client.authorizationCodeGrant(config, at, {
    pkceCodeVerifier: verifier,
    expectedNonce: nonce,
    expectedState: state,
    maxAge: 300,
    idTokenExpected: true,
  });
}

// The error code that the server answers with.
async function refusal(promise) {
  const error = await promise.then(
    (answer) => assert.fail(`not refused: ${JSON.stringify(answer)}`),
    (error) => error,
  );
  return error.error ?? error.cause?.error ?? assert.fail(error);
}

async function isActive(config, token) {
  return (await client.tokenIntrospection(config, token)).active;
}

const flows = {
  async code() {
    const config = await discover();
    client.enableNonRepudiationChecks(config);
    const tokens = await redeem(config, await arrive(config));
    const claims = tokens.claims();
    const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).sub, claims.sub);

    const newer = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.notEqual(newer.refresh_token, tokens.refresh_token);
    assert.equal(newer.claims().sub, claims.sub);
    assert(await isActive(config, newer.access_token));
    await client.tokenRevocation(config, newer.refresh_token);
    assert.equal(await refusal(client.refreshTokenGrant(config, newer.refresh_token)), 'invalid_grant');
    assert.equal(await isActive(config, newer.access_token), false);

    const state = client.randomState();
    const leave = client.buildEndSessionUrl(config, {
      id_token_hint: newer.id_token,
      post_logout_redirect_uri: facts.logout_uri,
      state,
    });
    const { url } = await ask({ go: leave.href });
    assert.equal(url, `${facts.logout_uri}?state=${state}`);
    const again = await ask({ go: client.buildAuthorizationUrl(config, {
      redirect_uri: facts.redirect_uri, scope: 'openid', prompt: 'none', state,
    }).href });
    assert.equal(new URL(again.url).searchParams.get('error'), 'login_required');
    return { claims, person };
  },

  async rfc8414() {
    const config = await discover('oauth2');
    client.enableNonRepudiationChecks(config);
    const begun = await arrive(config);
    const wrong = { ...begun, verifier: client.randomPKCECodeVerifier() };
    assert.equal(await refusal(redeem(config, wrong)), 'invalid_grant');
    return { claims: (await redeem(config, await arrive(config))).claims() };
  },

  async hybrid() {
    const config = await discover();
    client.useCodeIdTokenResponseType(config);
    client.enableNonRepudiationChecks(config);
    const begun = await arrive(config);
    assert.equal(begun.at.search, '', 'the answer stands in the fragment');
    const tokens = await redeem(config, begun);
    const posted = await arrive(config, { response_mode: 'form_post' });
    assert(posted.at instanceof Request);
    assert.equal((await redeem(config, posted)).claims().sub, tokens.claims().sub);
    return { claims: tokens.claims() };
  },

  async implicit() {
    const config = await discover();
    client.useIdTokenResponseType(config);
    const check = ({ at, nonce, state }) =>
      client.implicitAuthentication(config, at, nonce, { expectedState: state, maxAge: 300 });
    const scope = { scope: 'openid profile email' };
    const claims = await check(await arrive(config, scope));
    const posted = await arrive(config, { ...scope, response_mode: 'form_post' });
    assert(posted.at instanceof Request);
    assert.equal((await check(posted)).sub, claims.sub);
    return { claims };
  },

  async form_post() {
    const config = await discover();
    client.enableNonRepudiationChecks(config);
    const begun = await arrive(config, { response_mode: 'form_post' });
    assert(begun.at instanceof Request);
    return { claims: (await redeem(config, begun)).claims() };
  },

  async device() {
    const config = await discover();
    client.enableNonRepudiationChecks(config);
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid profile email' });
    assert(device.verification_uri_complete.startsWith(device.verification_uri));
    const early = client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:device_code', {
      device_code: device.device_code,
    });
    assert.equal(await refusal(early), 'authorization_pending');
    await ask({ allow: device.verification_uri_complete });
    const tokens = await client.pollDeviceAuthorizationGrant(config, device);
    const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    return { claims: tokens.claims(), person };
  },

  async client_credentials() {
    const told = {};
    for (const way of [client.ClientSecretBasic, client.ClientSecretPost]) {
      const config = await client.discovery(new URL(facts.issuer), facts.client_id, {}, way(facts.client_secret), {
        execute: [client.allowInsecureRequests],
      });
      const tokens = await client.clientCredentialsGrant(config, { scope: 'profile' });
      assert.equal(tokens.refresh_token, undefined);
      const known = await client.tokenIntrospection(config, tokens.access_token);
      assert.equal(known.active, true);
      assert.equal(known.client_id, facts.client_id);
      await client.tokenRevocation(config, tokens.access_token);
      assert.equal(await isActive(config, tokens.access_token), false);
      told[way.name] = known.client_id;
    }
    const stranger = await client.discovery(new URL(facts.issuer), facts.client_id, 'wrong', undefined, {
      execute: [client.allowInsecureRequests],
    });
    assert.equal(await refusal(client.clientCredentialsGrant(stranger, {})), 'invalid_client');
    return told;
  },
};

print({ told: await flows[facts.flow]() });
process.exit(0);
