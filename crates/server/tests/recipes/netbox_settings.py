"""Runs NetBox settings as NetBox would load them, and signs people in through the pipeline function in them.

Reads one JSON object from standard input; prints one JSON object with what was found. Any failed check ends it with an error.
Only the standard library: NetBox's user and group models are stood in for by the few methods that the function may use.
"""

import importlib
import json
import os
import sys
import types


class Group:
    def __init__(self, name):
        self.name = name


class GroupManager:
    """Group.objects"""

    def __init__(self, names):
        self.rows = {name: Group(name) for name in names}

    def get_or_create(self, name):
        created = name not in self.rows
        return self.rows.setdefault(name, Group(name)), created


class Membership:
    """user.groups: Django's related manager."""

    def __init__(self, manager, names):
        self.model = types.SimpleNamespace(objects=manager)
        self.held = [manager.get_or_create(name)[0] for name in names]

    def all(self):
        return list(self.held)

    def add(self, *groups):
        self.held += [group for group in groups if group not in self.held]

    def remove(self, *groups):
        self.held = [group for group in self.held if group not in groups]


class User:
    """The user row. is_staff exists only where NetBox has it."""

    def __init__(self, manager, groups, is_superuser, has_is_staff):
        self.groups = Membership(manager, groups)
        self.is_superuser = is_superuser
        if has_is_staff:
            self.is_staff = is_superuser
        self.saved = 0

    def __setattr__(self, name, value):
        if name == 'is_staff' and self.__dict__.get('saved') is not None and 'is_staff' not in self.__dict__:
            raise AttributeError('this NetBox has no is_staff')
        self.__dict__[name] = value

    def save(self):
        self.saved += 1


def load(text, way):
    """Load settings the way that kind of installation does; return the module that NetBox sees."""
    if way == 'docker':
        # netbox-docker: the file's own module has no name, netbox.configuration passes names through to it.
        inner = types.ModuleType('')
        exec(compile(text, 'extra.py', 'exec'), inner.__dict__)
        outer = types.ModuleType('netbox.configuration')
        outer.__getattr__ = lambda name: getattr(inner, name)
        sys.modules['netbox'] = types.ModuleType('netbox')
        sys.modules['netbox.configuration'] = outer
        return inner
    name = {'wheel': 'netbox_local_configuration', 'checkout': 'netbox.configuration', 'helm': 'netbox.doorward_sync'}[way]
    module = types.ModuleType(name)
    if '.' in name:
        sys.modules['netbox'] = types.ModuleType('netbox')
    exec(compile(text, name, 'exec'), module.__dict__)
    sys.modules[name] = module
    return module


def step(path):
    """Find a pipeline step as social-core does: import the module, take the attribute."""
    module, attribute = path.rsplit('.', 1)
    return getattr(importlib.import_module(module), attribute)


def sign_in(function, case, has_is_staff):
    manager = GroupManager(case.get('existing', []))
    user = User(manager, case.get('held', []), case.get('was_superuser', False), has_is_staff)
    backend = types.SimpleNamespace(name=case.get('backend', 'oidc'))
    result = function(
        strategy=None, backend=backend, user=None if case.get('no_user') else user, response=case['response'],
        details={}, is_new=False, uid='1', social=None, storage=None,
    )
    assert result is None, 'a step that returns a value changes the arguments of later steps'
    found = {
        'groups': sorted(group.name for group in user.groups.all()),
        'superuser': user.is_superuser,
        'created': sorted(set(manager.rows) - set(case.get('existing', [])) - set(case.get('held', []))),
        'saved': user.saved,
    }
    if has_is_staff:
        assert user.is_staff == user.is_superuser, 'is_staff must go with is_superuser'
    return found


def main():
    given = json.load(sys.stdin)
    os.environ.update(given.get('environment', {}))
    module = load(given['text'], given['way'])
    settings = {name: value for name, value in vars(module).items() if name.isupper()}
    path = given.get('path') or settings['SOCIAL_AUTH_PIPELINE'][-1]
    function = step(path)
    found = [sign_in(function, case, given['has_is_staff']) for case in given['cases']]
    json.dump({'settings': settings, 'path': path, 'found': found}, sys.stdout)


main()
