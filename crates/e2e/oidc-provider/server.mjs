// npm's oidc-provider, as its documentation would have it run, with clients and a person that a test or a benchmark names.
//
// Usage: node server.mjs SETTINGS.json
// Settings: {"port", "packages" (the directory with node_modules), "clients" (as in dynamic registration)}. Whoever sends the form of the
// sign-in page is alice. Nobody is asked for consent unless the request wants it. Access tokens are opaque, but those of requests
// with `resource=urn:<algorithm>` are JWTs that this algorithm signs.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(readFileSync(process.argv[2]));
const require = createRequire(`${settings.packages}/package.json`);
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const issuer = `http://127.0.0.1:${settings.port}`;
const jwk = (kid, alg, pair) => ({ ...pair.privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });

// Nothing is kept longer than the process, nothing is copied, nothing expires: the cheapest store there can be. The adapter in the
// package walks all tokens of a grant for each new one, which would be measured instead.
class Memory {
  static everything = new Map();
  static grants = new Map();

  constructor(model) {
    this.model = model;
  }

  key = (id) => `${this.model}:${id}`;

  async upsert(id, payload) {
    const key = this.key(id);
    if (payload.grantId && this.model !== 'Session' && this.model !== 'Interaction') {
      const members = Memory.grants.get(payload.grantId);
      if (members) members.push(key);
      else Memory.grants.set(payload.grantId, [key]);
    }
    if (payload.uid) Memory.everything.set(`uid:${payload.uid}`, payload);
    if (payload.userCode) Memory.everything.set(`user code:${payload.userCode}`, payload);
    Memory.everything.set(key, payload);
  }

  async find(id) {
    return Memory.everything.get(this.key(id));
  }

  async findByUid(uid) {
    return Memory.everything.get(`uid:${uid}`);
  }

  async findByUserCode(code) {
    return Memory.everything.get(`user code:${code}`);
  }

  async consume(id) {
    Memory.everything.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    Memory.everything.delete(this.key(id));
  }

  async revokeByGrantId(id) {
    for (const key of Memory.grants.get(id) ?? []) Memory.everything.delete(key);
    Memory.grants.delete(id);
  }
}

const person = {
  name: 'Alice Example',
  given_name: 'Alice',
  family_name: 'Example',
  preferred_username: 'alice',
  nickname: 'alice',
  groups: ['netbox-users'],
  email: 'alice@example.org',
  email_verified: true,
  updated_at: 1700000000,
};

const hours = (count) => count * 60 * 60;

const provider = new Provider(issuer, {
  adapter: Memory,
  clients: settings.clients,
  jwks: {
    keys: [
      jwk('rsa', 'RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })),
      jwk('ec', 'ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })),
    ],
  },
  // Authorization requests may come by POST, as OpenID Connect Core 1.0, section 3.1.2.1, asks; cookies must come with them then.
  enableHttpPostMethods: true,
  cookies: { keys: ['one key to sign cookies with'], long: { httpOnly: true, sameSite: 'none' } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...person }) }),
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username', 'nickname', 'groups', 'updated_at'],
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
    revocation: { enabled: true },
    claimsParameter: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context, form) => {
        const button = '<button id="confirm-sign-out" name="logout" value="yes"></button></form>';
        context.body = form.replace('</form>', button);
      },
      postLogoutSuccessSource: (context) => {
        context.body = '<p>Signed out';
      },
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: '',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: hours(1),
        jwt: { sign: { alg: resource.slice('urn:'.length) } },
      }),
    },
  },
  responseTypes: ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'],
  scopes: ['openid', 'offline_access', 'profile', 'email'],
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
  // As Doorward does: each refresh gives another refresh token.
  rotateRefreshToken: () => true,
  clientBasedCORS: (_, origin, client) => client.redirectUris.some((uri) => new URL(uri).origin === origin),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  // The package's own recipe for "nobody is asked for consent".
  loadExistingGrant: (context) => {
    const { session, client, params, account } = context.oidc;
    return grant(session.grantIdFor(client.clientId), client.clientId, account.accountId, params.scope);
  },
  ttl: {
    AccessToken: hours(1),
    AuthorizationCode: 60,
    ClientCredentials: hours(1),
    DeviceCode: 600,
    Grant: hours(24 * 30),
    IdToken: hours(1),
    Interaction: hours(1),
    RefreshToken: hours(24 * 30),
    Session: hours(24 * 14),
  },
});

// What alice allowed a client so far, and what is asked for now.
async function grant(known, clientId, accountId, scope = '') {
  const kept = known && (await provider.Grant.find(known));
  const grant = kept || new provider.Grant({ clientId, accountId });
  const has = new Set(grant.getOIDCScope().split(' '));
  if (!kept || !scope.split(' ').every((word) => has.has(word))) {
    grant.addOIDCScope(scope);
    await grant.save();
  }
  return grant;
}

// A test that fails wants to know why the other server did.
provider.on('server_error', (_, error) => console.error(error));

const answer = provider.callback();
createServer({ keepAliveTimeout: 60_000, maxRequestsPerSocket: 0 }, async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response);
  try {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    const isSignIn = prompt.name === 'login';
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/html');
      response.end(`<form method="post"><button id="${isSignIn ? 'sign-in' : 'allow'}"></button></form>`);
    } else if (isSignIn) {
      await provider.interactionFinished(request, response, { login: { accountId: 'alice', amr: ['pwd'] } });
    } else {
      const { jti } = await grant(grantId, params.client_id, session.accountId, params.scope);
      await provider.interactionFinished(request, response, { consent: { grantId: jti } }, { mergeWithLastSubmission: true });
    }
  } catch (error) {
    response.writeHead(400).end(String(error));
  }
}).listen(settings.port, '127.0.0.1');
