"""The bonsai library for Python, over OpenLDAP's client library, with asyncio."""

import asyncio
import sys

import bonsai
from bonsai import LDAPClient, LDAPSearchScope

url, tls_url, base, bind_dn, bind_password, username, password, certificate = sys.argv[1:]
user_dn = f"cn={username},ou=users,{base}"


def client(address, name, secret):
    # bonsai does StartTLS when it is told so, and TLS when the address says so.
    made = LDAPClient(address, tls=not address.startswith("ldaps"))
    made.set_ca_cert(certificate)
    made.set_credentials("SIMPLE", user=name, password=secret)
    return made


async def main():
    for address in (url, tls_url):
        async with client(address, bind_dn, bind_password).connect(is_async=True) as connection:
            (person,) = await connection.search(base, LDAPSearchScope.SUBTREE, f"(&(objectClass=person)(cn={username}))")
            assert str(person.dn).lower() == user_dn.lower() and person["mail"] == [f"{username}@example.org"], person
            members = await connection.search(f"ou=groups,{base}", LDAPSearchScope.ONELEVEL, f"(member={user_dn})", ["cn"])
            assert len(members) == len(person["memberOf"]) > 0, (members, person)
            pages = await connection.paged_search(f"ou=users,{base}", LDAPSearchScope.ONELEVEL, "(objectClass=person)", ["cn"], page_size=1)
            names = [entry["cn"][0] async for entry in pages]
            assert username in names and len(names) == len(set(names)) > 1, names
            assert (await connection.whoami()).lower() == f"dn:{bind_dn}".lower()
        async with client(address, user_dn, password).connect(is_async=True) as connection:
            assert (await connection.whoami()).lower() == f"dn:{user_dn}".lower()
        try:
            await client(address, user_dn, password + "x").connect(is_async=True)
            raise SystemExit("a wrong password was accepted")
        except bonsai.AuthenticationError:
            pass


asyncio.run(main())
