"""The sample directory: the same people and groups for slapd (LDIF) and for Doorward (rows).

`crates/e2e/src/bin/ldap_load/scenario.rs` knows the names and how many entries each search must find.

User i of n is user000000 and so on; there are n/100 groups, each user is in three of them, and the 1,000 users whose
number is a multiple of n/1000 are in team-1000 as well.
"""

import base64
import hashlib
import sqlite3
import time
import uuid

PASSWORD = "Seven-Green-Bottles-0n-a-Wall"
COLD_USERS = 128
UID_START, GID_START = 2000, 4000


def username(i):
    return f"user{i:06}"


def cold_user(k, n):
    """The k-th user that signs in with a password nobody checked before; the one after it signs in again and again."""
    return k * (n // COLD_USERS)


def group_names(n):
    return [f"group-{g:04}" for g in range(n // 100)] + ["team-1000"]


def groups_of(i, n):
    """Numbers of the groups a user is in, as positions in `group_names`."""
    count = n // 100
    chosen = [(i + j * (count // 3)) % count for j in range(3)]
    return chosen + ([count] if i % (n // 1000) == 0 else [])


def members_of(n):
    members = [[] for _ in group_names(n)]
    for i in range(n):
        for group in groups_of(i, n):
            members[group].append(i)
    return members


def spread(start, other, pk):
    """Numbers of users and groups do not meet: see PosixNumbers in crates/core."""
    block = abs(other - start)
    return start + pk // block * 2 * block + pk % block


def ldif(n, base, hashes, service):
    """All entries of the tree, as authentik's LDAP provider presents them, with login names in uid."""
    def entry(dn, attributes):
        lines = [f"dn: {dn}"] + [f"{name}: {value}" for name, value in attributes]
        return "\n".join(lines) + "\n\n"

    first = base.split(",")[0].split("=")[1]
    yield entry(base, [("objectClass", "top"), ("objectClass", "domain"), ("dc", first)])
    for ou in ("users", "groups"):
        yield entry(f"ou={ou},{base}", [("objectClass", "top"), ("objectClass", "nsContainer"), ("ou", ou)])
    fast = "{SSHA}" + ssha(PASSWORD)
    yield entry(f"cn={service},ou=users,{base}", user_attributes(service, service, "", 2, [], fast))
    names = group_names(n)
    group_dns = [f"cn={name},ou=groups,{base}" for name in names]
    cold = {cold_user(k, n): hash for k, hash in enumerate(hashes)}
    for i in range(n):
        name = username(i)
        password = "{ARGON2}" + cold[i] if i in cold else fast
        groups = [group_dns[group] for group in groups_of(i, n)]
        attributes = user_attributes(name, display_name(i), f"{name}@example.org", i + 3, groups, password)
        yield entry(f"cn={name},ou=users,{base}", attributes)
    for number, members in enumerate(members_of(n)):
        yield entry(group_dns[number], group_attributes(names[number], number + 2, members, base))


def display_name(i):
    return f"Person Number{i:06}"


def user_attributes(name, shown, mail, pk, groups, password):
    given, _, family = shown.rpartition(" ")
    number = spread(UID_START, GID_START, pk)
    classes = ["top", "person", "organizationalPerson", "inetOrgPerson", "user", "posixAccount", "goauthentik-io-ldap-user"]
    attributes = [("objectClass", c) for c in classes]
    attributes += [("cn", name), ("sAMAccountName", name), ("uid", name), ("name", shown), ("displayName", shown)]
    attributes += [("sn", family), ("uidNumber", number), ("gidNumber", number), ("homeDirectory", f"/home/{name}")]
    attributes += [("loginShell", "/bin/bash"), ("ak-active", "TRUE"), ("ak-superuser", "FALSE"), ("userPassword", password)]
    attributes += [("givenName", given)] if given else []
    attributes += [("mail", mail)] if mail else []
    return attributes + [("memberOf", group) for group in groups]


def group_attributes(name, pk, members, base):
    classes = ["top", "group", "groupsOfUniqueName", "groupOfNames", "goauthentik-io-ldap-group", "posixGroup"]
    attributes = [("objectClass", c) for c in classes]
    attributes += [("cn", name), ("sAMAccountName", name), ("uid", str(uuid.UUID(int=pk)))]
    attributes += [("gidNumber", spread(GID_START, UID_START, pk)), ("ak-superuser", "false")]
    dns = [f"cn={username(i)},ou=users,{base}" for i in members]
    attributes += [("member", dn) for dn in dns] + [("uniqueMember", dn) for dn in dns]
    return attributes + [("memberUid", username(i)) for i in members]


def ssha(password):
    salt = b"saltsalt"
    return base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def fill(database, n, hashes):
    """Writes the people into Doorward's database while no server runs: 100,000 by command would take an hour."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA foreign_keys = ON")
    now = int(time.time() * 1000)
    value = lambda name: connection.execute("SELECT value FROM revisions WHERE name = ?", (name,)).fetchone()[0]
    user_pk, group_pk = value("user_pk") + 1, value("group_pk") + 1
    users = [identifier("user", i) for i in range(n)]
    names = group_names(n)
    groups = [identifier("group", g) for g in range(len(names))]
    cold = {cold_user(k, n): hash for k, hash in enumerate(hashes)}
    with connection:
        connection.executemany(
            "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, TRUE, TRUE, 'internal', '{}', ?, ?)",
            (user_row(users[i], user_pk + i, i, now) for i in range(n)))
        connection.executemany(
            "INSERT INTO credentials (user_id, password_hash, changed_at) VALUES (?, ?, ?)",
            ((users[i], cold.get(i, hashes[0]), now) for i in range(n)))
        connection.executemany(
            "INSERT INTO groups (id, pk, name, name_key, is_superuser, attributes, created_at) VALUES (?, ?, ?, ?, FALSE, '{}', ?)",
            ((groups[g], group_pk + g, name, name, now) for g, name in enumerate(names)))
        connection.executemany(
            "INSERT INTO memberships (user_id, group_id) VALUES (?, ?)",
            ((users[i], groups[g]) for i in range(n) for g in groups_of(i, n)))
        connection.execute("UPDATE revisions SET value = value + ? WHERE name = 'user_pk'", (n,))
        connection.execute("UPDATE revisions SET value = value + ? WHERE name = 'group_pk'", (len(names),))
        connection.execute("UPDATE revisions SET value = value + 1 WHERE name = 'snapshot'")
    connection.close()


def identifier(kind, number):
    digest = bytearray(hashlib.sha256(f"{kind} {number}".encode()).digest()[:16])
    digest[6] = 0x70 | digest[6] & 0x0F
    digest[8] = 0x80 | digest[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(digest)))


def user_row(id, pk, i, now):
    name, shown = username(i), display_name(i)
    given, _, family = shown.rpartition(" ")
    mail = f"{name}@example.org"
    uid = hashlib.sha256(f"uid {i}".encode()).hexdigest()
    return (id, pk, uid, name, name, shown, shown.lower(), given, family, mail, mail, now, now)
