"""Authlib's OAuth2Session; ID tokens are checked with joserfc."""

import os
import secrets

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from openid_python import ask, read, refused, show

# Authlib asks for HTTPS unless this is set.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
FACTS = read()
SERVER = requests.get(FACTS["issuer"] + ".well-known/openid-configuration", timeout=10).json()


def session(**more):
    return OAuth2Session(
        FACTS["client_id"], FACTS["client_secret"], redirect_uri=FACTS["redirect_uri"], code_challenge_method="S256",
        **more,
    )


def validated(token, nonce, is_refreshed=False):
    """The claims of the ID token that stands in a token response, after all that Authlib and joserfc check of it.

    OpenID Connect Core, section 12.2: a refreshed one need not have the nonce, but no other.
    """
    keys = KeySet.import_key_set(requests.get(SERVER["jwks_uri"], timeout=10).json())
    algorithms = [name for name in SERVER["id_token_signing_alg_values_supported"] if not name.startswith("HS")]
    decoded = jwt.decode(token["id_token"], keys, algorithms=algorithms)
    if is_refreshed and "nonce" not in decoded.claims:
        nonce = None
    wanted = {"iss": SERVER["issuer"], "aud": FACTS["client_id"]}
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={name: {"essential": True, "value": value} for name, value in wanted.items()},
        params={"nonce": nonce, "client_id": FACTS["client_id"], "access_token": token["access_token"]},
    )
    claims.validate()
    assert claims["at_hash"]
    return claims


def begin(client):
    verifier, nonce = generate_token(64), secrets.token_urlsafe(16)
    address, state = client.create_authorization_url(
        SERVER["authorization_endpoint"], code_verifier=verifier, nonce=nonce,
    )
    return ask({"go": address})["url"], state, verifier, nonce


def code():
    client = session(scope="openid profile email offline_access")
    back, _, _, _ = begin(client)
    with refused(OAuthError, "invalid_grant"):
        client.fetch_token(SERVER["token_endpoint"], authorization_response=back, code_verifier=generate_token(64))

    back, state, verifier, nonce = begin(client)
    token = client.fetch_token(
        SERVER["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier,
    )
    claims = validated(token, nonce)
    person = client.get(SERVER["userinfo_endpoint"]).json()
    assert person["sub"] == claims["sub"]

    old = token["refresh_token"]
    newer = client.refresh_token(SERVER["token_endpoint"], refresh_token=old)
    assert newer["refresh_token"] != old
    assert validated(newer, nonce, is_refreshed=True)["sub"] == claims["sub"]

    def introspected(text):
        answer = client.introspect_token(SERVER["introspection_endpoint"], token=text)
        answer.raise_for_status()
        return answer.json()

    known = introspected(newer["access_token"])
    assert known["active"] is True and known["sub"] == claims["sub"], known
    gone = client.revoke_token(
        SERVER["revocation_endpoint"], token=newer["refresh_token"], token_type_hint="refresh_token",
    )
    assert gone.status_code == 200, gone.text
    assert introspected(newer["access_token"]) == {"active": False}
    with refused(OAuthError, "invalid_grant"):
        client.refresh_token(SERVER["token_endpoint"], refresh_token=newer["refresh_token"])
    return {"claims": dict(claims), "person": person, "header": dict(claims.header)}


def client_credentials():
    told = {}
    for way in ["client_secret_basic", "client_secret_post"]:
        client = session(scope="profile", token_endpoint_auth_method=way)
        token = client.fetch_token(SERVER["token_endpoint"], grant_type="client_credentials")
        assert "refresh_token" not in token and "id_token" not in token, token
        known = client.introspect_token(SERVER["introspection_endpoint"], token=token["access_token"]).json()
        assert known["active"] is True, known
        told[way] = known["client_id"]
    stranger = OAuth2Session(FACTS["client_id"], "wrong")
    with refused(OAuthError, "invalid_client"):
        stranger.fetch_token(SERVER["token_endpoint"], grant_type="client_credentials")
    return told


show({"told": {"code": code, "client_credentials": client_credentials}[FACTS["flow"]]()})
