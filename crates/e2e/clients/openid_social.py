"""social-auth-core's generic OpenID Connect backend, as NetBox and other Django applications use it."""

import time
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthCredentialError
from social_core.storage import AssociationMixin, BaseStorage, NonceMixin
from social_core.strategy import BaseStrategy

from openid_python import ask, read, refused, show

FACTS = read()


class Associations(AssociationMixin):
    """Nonces, kept in memory."""

    kept = {}

    @classmethod
    def store(cls, server_url, association):
        kept = SimpleNamespace(
            id=len(cls.kept), handle=association.handle, assoc_type=association.assoc_type,
            is_expired=lambda: association.issued + association.lifetime < time.time(),
        )
        cls.kept[server_url, association.handle] = kept

    @classmethod
    def get(cls, server_url, handle):
        found = cls.kept.get((server_url, handle))
        return [found] if found else []

    @classmethod
    def remove(cls, ids_to_delete):
        cls.kept = {key: kept for key, kept in cls.kept.items() if kept.id not in ids_to_delete}


class States(NonceMixin):
    """States that were given out and have not come back yet."""

    kept = set()

    @classmethod
    def use(cls, *state):
        is_new = state not in cls.kept
        cls.kept.add(state)
        return is_new

    @classmethod
    def consume(cls, *state):
        is_kept = state in cls.kept
        cls.kept.discard(state)
        return is_kept


class Storage(BaseStorage):
    association, nonce = Associations, States


class Strategy(BaseStrategy):
    """A web framework with one visitor."""

    settings = {
        "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT": FACTS["issuer"].rstrip("/"),
        "SOCIAL_AUTH_OIDC_KEY": FACTS["client_id"],
        "SOCIAL_AUTH_OIDC_SECRET": FACTS["client_secret"],
        "SOCIAL_AUTH_OIDC_SCOPE": ["offline_access"],
        "SOCIAL_AUTH_OIDC_USE_PKCE": True,
        "SOCIAL_AUTH_OIDC_PIPELINE": [
            "social_core.pipeline.social_auth.social_details",
            "social_core.pipeline.social_auth.social_uid",
            "social_core.pipeline.social_auth.auth_allowed",
            "__main__.keep",
        ],
    }

    def __init__(self):
        super().__init__(Storage)
        self.session, self.request = {}, {}

    def get_setting(self, name):
        return self.settings[name]

    def get_request_data(self, merge=True):
        return self.request

    def request_data(self, merge=True):
        return self.request

    def request_host(self):
        return "127.0.0.1"

    def build_absolute_uri(self, path=None):
        return FACTS["redirect_uri"]

    def session_get(self, name, default=None):
        return self.session.get(name, default)

    def session_set(self, name, value):
        self.session[name] = value

    def session_pop(self, name):
        return self.session.pop(name, None)

    def redirect(self, url):
        return url


def keep(uid, details, response, backend, **_):
    """The last step of the pipeline."""
    return {"user": SimpleNamespace(uid=uid, details=details, response=response, claims=backend.id_token)}


def answered():
    """The backend at the moment at which the browser comes back, as a web framework makes it for each request."""
    strategy = Strategy()
    address = OpenIdConnectAuth(strategy, redirect_uri=FACTS["redirect_uri"]).start()
    strategy.request = dict(parse_qsl(urlsplit(ask({"go": address})["url"]).query))
    return OpenIdConnectAuth(strategy, redirect_uri=FACTS["redirect_uri"])


# A code that was given to another browser: this one has not its verifier.
backend = answered()
backend.data["code"] = answered().data["code"]
with refused(AuthCredentialError, "code was rejected"):
    backend.complete()

backend = answered()
person = backend.complete()
newer = backend.refresh_token(person.response["refresh_token"])
assert newer["access_token"] != person.response["access_token"]
# The backend has validated the new ID token.
assert backend.id_token["sub"] == person.uid and newer["id_token"] != person.response["id_token"]
with refused(AuthCredentialError, "authenticate with the provider again"):
    backend.refresh_token(person.response["refresh_token"])
show({"told": {"uid": person.uid, "details": person.details, "claims": person.claims}})
