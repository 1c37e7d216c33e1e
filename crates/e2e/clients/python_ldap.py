"""python-ldap, which NetBox and every other Django application use: controls, comparing, and its parser of the schema."""

import sys

import ldap
import ldap.schema
from ldap.controls import SimplePagedResultsControl

url, tls_url, base, bind_dn, bind_password, username, password, certificate = sys.argv[1:]
user_dn = f"cn={username},ou=users,{base}"


def connect(address):
    connection = ldap.initialize(address)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, certificate)
    connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    if address.startswith("ldap:"):
        connection.start_tls_s()
    return connection


def pages(connection):
    control = SimplePagedResultsControl(True, size=1, cookie="")
    while True:
        number = connection.search_ext(f"ou=users,{base}", ldap.SCOPE_SUBTREE, "(objectClass=person)", ["cn"], serverctrls=[control])
        _, found, _, controls = connection.result3(number)
        yield from found
        (answer,) = [c for c in controls if c.controlType == SimplePagedResultsControl.controlType]
        if not answer.cookie:
            return
        control.cookie = answer.cookie


for address in (url, tls_url):
    connection = connect(address)
    connection.simple_bind_s(bind_dn, bind_password)
    ((dn, person),) = connection.search_s(base, ldap.SCOPE_SUBTREE, f"(&(objectClass=person)(cn={username}))")
    assert dn.lower() == user_dn.lower() and person["mail"] == [f"{username}@example.org".encode()], person
    connection.simple_bind_s(user_dn, password)
    assert connection.whoami_s().lower() == f"dn:{user_dn}".lower()
    connection.simple_bind_s(bind_dn, bind_password)
    group = person["memberOf"][0].decode()
    assert connection.compare_s(group, "member", user_dn) is True
    assert connection.compare_s(group, "member", f"cn=nobody,ou=users,{base}") is False
    try:
        connection.compare_s(f"cn=no-such-group,ou=groups,{base}", "member", user_dn)
        raise SystemExit("a group that is not there was compared")
    except ldap.NO_SUCH_OBJECT:
        pass
    names = [entry["cn"][0].decode() for _, entry in pages(connection)]
    assert username in names and len(names) == len(set(names)) > 1, names
    entry = connection.read_subschemasubentry_s(connection.search_subschemasubentry_s(base))
    schema = ldap.schema.SubSchema(entry)
    assert schema.get_obj(ldap.schema.AttributeType, "memberOf").oid == "1.2.840.113556.1.2.102"
    assert schema.get_obj(ldap.schema.ObjectClass, "inetOrgPerson").names == ("inetOrgPerson",)
    try:
        connection.simple_bind_s(user_dn, password + "x")
        raise SystemExit("a wrong password was accepted")
    except ldap.INVALID_CREDENTIALS:
        pass
    connection.unbind_s()
