"""Runs NetBox's ldap_config.py the way NetBox does, with stand-ins for python-ldap and django-auth-ldap.

Reads JSON: text (the settings), mirrors (a list of {held, directory}: names of groups). Writes JSON: settings (every AUTH_LDAP_
name, searches as [base, scope, filter]), mirrored (for each of the mirrors, the groups the person has afterwards).
"""

import json
import sys
import types


class LDAPSearch:
    def __init__(self, base_dn, scope, filterstr="(objectClass=*)"):
        self.base_dn, self.scope, self.filterstr = base_dn, scope, filterstr

    def executed(self, filterargs):
        # As LDAPSearch.execute does: a percent sign must be doubled.
        return [self.base_dn, self.scope, self.filterstr % filterargs]


class GroupOfNamesType:
    pass


def stand_ins():
    ldap = types.ModuleType("ldap")
    ldap.SCOPE_SUBTREE, ldap.OPT_REFERRALS, ldap.OPT_NETWORK_TIMEOUT = 2, 8, 20485
    package, config = types.ModuleType("django_auth_ldap"), types.ModuleType("django_auth_ldap.config")
    config.LDAPSearch, config.GroupOfNamesType, package.config = LDAPSearch, GroupOfNamesType, config
    sys.modules.update({"ldap": ldap, "django_auth_ldap": package, "django_auth_ldap.config": config})


def mirror(setting, held, directory):
    """What django-auth-ldap 5.4 does in _normalize_mirror_settings and _mirror_groups."""
    assert setting, "a setting that is not true is ignored"
    if isinstance(setting, (list, tuple)):
        setting = frozenset(setting)
    assert isinstance(setting, (set, frozenset)) and all(isinstance(name, str) for name in setting)
    wanted, held = frozenset(directory), frozenset(held)
    return sorted((wanted & setting) | (held - setting))


def shown(name, value):
    if isinstance(value, LDAPSearch):
        return value.executed({"user": "USER"} if name == "AUTH_LDAP_USER_SEARCH" else ())
    if isinstance(value, frozenset):
        return sorted(value)
    return value if isinstance(value, (str, int, list, dict)) else type(value).__name__


def main():
    given = json.load(sys.stdin)
    stand_ins()
    module = types.ModuleType("ldap_config")
    exec(compile(given["text"], "ldap_config.py", "exec", dont_inherit=True), module.__dict__)
    settings = {name: getattr(module, name) for name in dir(module) if name.startswith("AUTH_LDAP_")}
    mirrored = [mirror(settings["AUTH_LDAP_MIRROR_GROUPS"], **case) for case in given["mirrors"]]
    json.dump({"settings": {name: shown(name, value) for name, value in settings.items()}, "mirrored": mirrored}, sys.stdout)


main()
