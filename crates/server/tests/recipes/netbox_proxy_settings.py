"""Runs NetBox's settings for header authentication, and prints what NetBox would make of requests with some headers.

Reads one JSON object {text, cases: [{header: value}]} from standard input. NetBox's middleware is followed line by line
(netbox/middleware.py, netbox/authentication/__init__.py), as far as it reads settings and headers.
"""

import json
import sys

DEFAULTS = {
    'REMOTE_AUTH_AUTO_CREATE_GROUPS': False,
    'REMOTE_AUTH_USER_EMAIL': 'HTTP_REMOTE_USER_EMAIL',
    'REMOTE_AUTH_USER_FIRST_NAME': 'HTTP_REMOTE_USER_FIRST_NAME',
    'REMOTE_AUTH_USER_LAST_NAME': 'HTTP_REMOTE_USER_LAST_NAME',
}


def sign_in(settings, headers):
    meta = {'HTTP_' + name.upper().replace('-', '_'): value for name, value in headers.items()}
    username = meta.get(settings['REMOTE_AUTH_HEADER'])
    if not username:
        return None
    joined = meta.get(settings['REMOTE_AUTH_GROUP_HEADER'])
    groups = joined.split(settings['REMOTE_AUTH_GROUP_SEPARATOR']) if joined else []
    person = {'username': username, 'groups': groups}
    for field in ('EMAIL', 'FIRST_NAME', 'LAST_NAME'):
        if settings['REMOTE_AUTH_USER_' + field] in meta:
            person[field] = meta[settings['REMOTE_AUTH_USER_' + field]]
    person['superuser'] = username in settings['REMOTE_AUTH_SUPERUSERS'] or bool(
        set(groups) & set(settings['REMOTE_AUTH_SUPERUSER_GROUPS']))
    return person


given = json.load(sys.stdin)
module = {}
exec(compile(given['text'], 'configuration.py', 'exec'), module)
settings = {name: value for name, value in module.items() if name.isupper()}
found = [sign_in(DEFAULTS | settings, case) for case in given['cases']]
print(json.dumps({'settings': settings, 'found': found}))
