// ldapts, an LDAP client written in TypeScript with a codec of its own.

import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.DOORWARD_TEST_LDAPTS}/`);
const { Client, InvalidCredentialsError } = require('ldapts');
const [url, tlsUrl, base, bindDn, bindPassword, username, password, certificate] = process.argv.slice(2);
const userDn = `cn=${username},ou=users,${base}`;
const tlsOptions = { ca: [readFileSync(certificate)] };
const lower = (texts) => [texts].flat().map((text) => text.toLowerCase());

for (const address of [url, tlsUrl]) {
  const isTls = address.startsWith('ldaps');
  const client = new Client({ url: address, timeout: 10000, connectTimeout: 10000, ...(isTls ? { tlsOptions } : {}) });
  // A copy: ldapts writes into it.
  if (!isTls) await client.startTLS({ ...tlsOptions });
  await client.bind(bindDn, bindPassword);
  const found = await client.search(base, { scope: 'sub', filter: `(&(objectClass=person)(cn=${username}))` });
  assert.equal(found.searchEntries.length, 1);
  const [person] = found.searchEntries;
  assert.equal(person.dn.toLowerCase(), userDn.toLowerCase());
  assert.equal(person.mail, `${username}@example.org`);
  const groups = [person.memberOf].flat();
  assert(groups.length > 0);
  const of = await client.search(`ou=groups,${base}`, { scope: 'one', filter: `(member=${userDn})`, attributes: ['cn'] });
  assert.deepEqual(lower(of.searchEntries.map((entry) => entry.dn)).sort(), lower(groups).sort());
  assert.equal(await client.compare(groups[0], 'member', userDn), true);
  assert.equal(await client.compare(groups[0], 'member', `cn=nobody,ou=users,${base}`), false);

  const names = [];
  const pages = client.searchPaginated(`ou=users,${base}`, { filter: '(objectClass=person)', attributes: ['cn'], paged: { pageSize: 1 } });
  for await (const page of pages) names.push(...page.searchEntries.map((entry) => entry.cn));
  assert(names.includes(username) && names.length > 1 && new Set(names).size === names.length, `${names}`);

  await client.bind(userDn, password);
  const { value } = await client.exop('1.3.6.1.4.1.4203.1.11.3');
  assert.equal(value.toLowerCase(), `dn:${userDn}`.toLowerCase());
  await assert.rejects(client.bind(userDn, `${password}x`), InvalidCredentialsError);
  await client.unbind();
}
