"""social-auth-core's own OpenID Connect backend, without NetBox or Django around it."""
import json
import os
from urllib.parse import parse_qsl, urlsplit

from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthException
from social_core.storage import AssociationMixin, BaseStorage, NonceMixin
from social_core.strategy import BaseStrategy

ISSUER, REDIRECT_URI = os.environ["ISSUER"], os.environ["REDIRECT_URI"]


class Nonce(NonceMixin):
    begun, used = set(), set()

    @classmethod
    def use(cls, server_url, timestamp, salt):
        fresh = (server_url, timestamp, salt) not in cls.begun
        cls.begun.add((server_url, timestamp, salt))
        return fresh

    @classmethod
    def consume(cls, server_url, timestamp, salt):
        fresh = (server_url, timestamp, salt) in cls.begun - cls.used
        cls.used.add((server_url, timestamp, salt))
        return fresh


class Association(AssociationMixin):
    kept = {}

    @classmethod
    def store(cls, server_url, association):
        made = cls()
        made.id = made.handle = association.handle
        made.issued, made.lifetime = association.issued, association.lifetime
        made.server_url, made.assoc_type, made.secret = server_url, association.assoc_type, association.secret
        cls.kept[made.handle] = made

    @classmethod
    def get(cls, server_url=None, handle=None):
        return [made for made in cls.kept.values() if (made.server_url, made.handle) == (server_url, handle)]

    @classmethod
    def remove(cls, ids_to_delete):
        for name in ids_to_delete:
            cls.kept.pop(name, None)


class Storage(BaseStorage):
    nonce = Nonce
    association = Association


class Strategy(BaseStrategy):
    def __init__(self, settings):
        super().__init__(Storage)
        self.settings, self.session, self.data = settings, {}, {}

    def get_setting(self, name):
        return self.settings[name]

    def request_data(self, merge=True):
        return self.data

    def request_host(self):
        return "127.0.0.1"

    def build_absolute_uri(self, path=None):
        return path or REDIRECT_URI

    def session_get(self, name, default=None):
        return self.session.get(name, default)

    def session_set(self, name, value):
        self.session[name] = value

    def session_pop(self, name):
        return self.session.pop(name, None)


class Backend(OpenIdConnectAuth):
    """Stops where the accounts of an application would begin."""

    def do_auth(self, access_token, *args, **kwargs):
        response = {**(self.user_data(access_token) or {}), **kwargs["response"]}
        return response, self.get_user_details(response)


def visit(url):
    print(json.dumps({"visit": url}), flush=True)
    address = json.loads(input())["url"]
    return dict(parse_qsl(urlsplit(address).query))


settings = {
    "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT": ISSUER.rstrip("/"),
    "SOCIAL_AUTH_OIDC_KEY": os.environ["CLIENT_ID"],
    "SOCIAL_AUTH_OIDC_SECRET": os.environ["CLIENT_SECRET"],
    "SOCIAL_AUTH_OIDC_SCOPE": ["offline_access"],
    "SOCIAL_AUTH_OIDC_USE_PKCE": True,
}
strategy = Strategy(settings)
first = Backend(strategy, REDIRECT_URI)
data = strategy.data = visit(first.auth_url())
backend = Backend(strategy, REDIRECT_URI)
backend.data = data
response, details = backend.auth_complete()
assert backend.id_token["iss"] == ISSUER, backend.id_token
assert details["username"] == "alice" and details["email"] == "alice@example.org", details
assert (details["first_name"], details["last_name"]) == ("Alice", "Example"), details

renewed = backend.refresh_token(response["refresh_token"])
assert renewed["access_token"] != response["access_token"], renewed

# The same answer a second time.
again = Backend(strategy, REDIRECT_URI)
again.data = data
try:
    again.auth_complete()
except AuthException:
    pass
else:
    raise AssertionError("one answer was taken twice")
