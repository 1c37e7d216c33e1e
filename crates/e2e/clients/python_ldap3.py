"""The ldap3 library for Python: it reads the schema and checks every attribute against it."""

import ssl
import sys

from ldap3 import ALL, ALL_ATTRIBUTES, BASE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPInvalidCredentialsResult

url, tls_url, base, bind_dn, bind_password, username, password, certificate = sys.argv[1:]
tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=certificate)
user_dn = f"cn={username},ou=users,{base}"

for address, auto_bind in ((url, "TLS_BEFORE_BIND"), (tls_url, "NO_TLS")):
    server = Server(address, get_info=ALL, tls=tls)
    connection = Connection(server, bind_dn, bind_password, auto_bind=auto_bind, raise_exceptions=True)
    assert connection.bound and connection.server.info.naming_contexts, address
    assert "inetOrgPerson" in server.schema.object_classes and "memberOf" in server.schema.attribute_types

    connection.search(base, f"(&(objectClass=person)(cn={username}))", attributes=ALL_ATTRIBUTES)
    (person,) = connection.entries
    assert person.entry_dn.lower() == user_dn.lower(), person.entry_dn
    assert person.mail.value == f"{username}@example.org", person
    assert isinstance(person.uidNumber.value, int), person
    groups = person.memberOf.values
    for group in groups:
        connection.search(group, "(objectClass=groupOfNames)", search_scope=BASE, attributes=["member"])
        assert user_dn.lower() in [dn.lower() for dn in connection.entries[0].member.values], group
        assert connection.compare(group, "member", user_dn)
    assert groups and not connection.compare(groups[0], "member", f"cn=nobody,ou=users,{base}")

    paged = connection.extend.standard.paged_search(f"ou=users,{base}", "(objectClass=person)", attributes=["cn"], paged_size=1)
    names = [entry["attributes"]["cn"][0] for entry in paged if entry["type"] == "searchResEntry"]
    assert username in names and len(names) == len(set(names)) > 1, names

    assert connection.rebind(user_dn, password)
    assert connection.extend.standard.who_am_i().lower() == f"dn:{user_dn}".lower()
    try:
        connection.rebind(user_dn, password + "x")
        raise SystemExit("a wrong password was accepted")
    except LDAPInvalidCredentialsResult:
        pass
    connection.unbind()
