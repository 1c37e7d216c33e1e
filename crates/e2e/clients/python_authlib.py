"""Authlib as a client of Doorward. A person with a browser is asked for by crates/e2e/src/script.rs."""
import json
import os

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
ISSUER, CLIENT_ID, SECRET, REDIRECT_URI = (
    os.environ[name] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"))
found = requests.get(ISSUER + ".well-known/openid-configuration", timeout=10).json()


def visit(url):
    print(json.dumps({"visit": url}), flush=True)
    return json.loads(input())["url"]


def session(method):
    return OAuth2Session(CLIENT_ID, SECRET, scope="openid profile email offline_access", redirect_uri=REDIRECT_URI,
                         code_challenge_method="S256", token_endpoint_auth_method=method)


for method in ("client_secret_basic", "client_secret_post"):
    client = session(method)
    verifier, nonce = "a-verifier-of-at-least-forty-three-signs-0123456789", "a-nonce-" + method
    url, state = client.create_authorization_url(found["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    token = client.fetch_token(found["token_endpoint"], authorization_response=visit(url), state=state,
                               code_verifier=verifier)
    keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=10).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256", "ES256"])
    claims = CodeIDToken(
        decoded.claims, decoded.header, {"iss": {"value": ISSUER}, "aud": {"value": CLIENT_ID}},
        {"nonce": nonce, "client_id": CLIENT_ID, "access_token": token["access_token"]})
    claims.validate()
    assert claims["preferred_username"] == "alice", claims
    person = client.get(found["userinfo_endpoint"]).json()
    assert (person["sub"], person["email"]) == (claims["sub"], "alice@example.org"), person

    old = token["refresh_token"]
    renewed = client.refresh_token(found["token_endpoint"], refresh_token=old)
    assert renewed["refresh_token"] != old and renewed["access_token"] != token["access_token"], renewed
    look = lambda token: client.introspect_token(found["introspection_endpoint"], token=token).json()
    seen = look(renewed["access_token"])
    assert seen["active"] is True and seen["client_id"] == CLIENT_ID, seen
    assert client.revoke_token(found["revocation_endpoint"], token=renewed["refresh_token"]).status_code == 200
    assert look(renewed["refresh_token"])["active"] is False
    try:
        client.refresh_token(found["token_endpoint"], refresh_token=renewed["refresh_token"])
    except OAuthError as error:
        assert error.error == "invalid_grant", error
    else:
        raise AssertionError("a revoked refresh token gave tokens")

    alone = OAuth2Session(CLIENT_ID, SECRET, scope="profile", token_endpoint_auth_method=method)
    given = alone.fetch_token(found["token_endpoint"], grant_type="client_credentials")
    assert look(given["access_token"])["active"] is True and "refresh_token" not in given, given
