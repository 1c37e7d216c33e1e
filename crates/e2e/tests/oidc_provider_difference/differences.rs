//! Requests that the two servers answer differently, what differs, and why that is meant to be so.

/// A request, what differs in the answer (Doorward's, then oidc-provider's), and the reason.
pub(crate) type Difference = (&'static str, &'static str, &'static str);

const UNREADABLE: &str = "what cannot be read is refused before it is looked at, and nobody is sent anywhere";
const TWICE: &str =
    "RFC 6749, section 3.1: nothing may be given twice; which of them counts for the way back is not guessed";
const ISS: &str = "RFC 9207: iss is always there; oidc-provider leaves it out where an ID token has it";
const INTERVAL: &str = "interval is said, although 5 s is the default";
const UNAUTHENTICATED: &str = "RFC 6749, section 5.2: whoever does not authenticate is invalid_client, and 401";

pub(crate) const DIFFERENCES: &[Difference] = &[
    (
        "authorize state=%FF",
        "by: - | query; leads to: - | https://client.example/callback; parameters: - | code iss state=�; status: 400 | 303; type: text/html | -",
        UNREADABLE,
    ),
    (
        "authorize state=%00",
        "by: - | query; leads to: - | https://client.example/callback; parameters: - | code iss state=\0; status: 400 | 303; type: text/html | -",
        UNREADABLE,
    ),
    (
        "authorize -scope",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "plain OAuth 2.0 without openid is served, and a nonce means nothing then",
    ),
    (
        "authorize scope=",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "plain OAuth 2.0 without openid is served, and a nonce means nothing then",
    ),
    (
        "authorize scope=profile",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "plain OAuth 2.0 without openid is served, and a nonce means nothing then",
    ),
    (
        "authorize scope=openid%20%20profile",
        "parameters: code iss state=a-state | error=invalid_scope iss state=a-state",
        "spaces are counted generously",
    ),
    (
        "authorize scope=no-such-scope",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "plain OAuth 2.0 without openid is served, and a nonce means nothing then",
    ),
    (
        "authorize response_type=code%20code",
        "parameters: error=unsupported_response_type iss state=a-state | code iss state=a-state",
        "a word twice is no registered response type",
    ),
    ("authorize response_type=id_token", "parameters: id_token iss state=a-state | id_token state=a-state", ISS),
    ("authorize response_type=id_token -state", "parameters: id_token iss | id_token", ISS),
    (
        "authorize response_type=id_token%20token",
        "parameters: access_token expires_in id_token iss scope state=a-state token_type=Bearer | access_token expires_in id_token scope state=a-state token_type=Bearer",
        ISS,
    ),
    (
        "authorize response_type=token%20id_token",
        "parameters: access_token expires_in id_token iss scope state=a-state token_type=Bearer | access_token expires_in id_token scope state=a-state token_type=Bearer",
        ISS,
    ),
    (
        "authorize response_type=code%20id_token",
        "parameters: code id_token iss state=a-state | code id_token state=a-state",
        ISS,
    ),
    (
        "authorize response_type=code%20id_token%20token",
        "parameters: access_token code expires_in id_token iss scope state=a-state token_type=Bearer | access_token code expires_in id_token scope state=a-state token_type=Bearer",
        ISS,
    ),
    (
        "authorize response_type=id_token%20code",
        "parameters: code id_token iss state=a-state | code id_token state=a-state",
        ISS,
    ),
    (
        "authorize response_type=id_token scope=profile",
        "parameters: error=invalid_scope iss state=a-state | error=invalid_request iss state=a-state",
        "openid is missing among the scopes, so it is the scope that is wrong",
    ),
    (
        "authorize response_mode=no-such-mode",
        "parameters: error=invalid_request iss state=a-state | error=unsupported_response_mode iss state=a-state",
        "RFC 6749 knows invalid_request; unsupported_response_mode is oidc-provider's own",
    ),
    (
        "authorize response_mode=web_message",
        "parameters: error=invalid_request iss state=a-state | error=unsupported_response_mode iss state=a-state",
        "RFC 6749 knows invalid_request; unsupported_response_mode is oidc-provider's own",
    ),
    (
        "authorize response_mode=query.jwt",
        "parameters: error=invalid_request iss state=a-state | error=unsupported_response_mode iss state=a-state",
        "RFC 6749 knows invalid_request; unsupported_response_mode is oidc-provider's own",
    ),
    (
        "authorize response_type=id_token response_mode=query",
        "by: fragment | query",
        "the error goes where the response type's answers go: what is in the query ends up in logs",
    ),
    (
        "authorize response_type=id_token response_mode=form_post",
        "parameters: id_token iss state=a-state | id_token state=a-state",
        ISS,
    ),
    (
        "authorize response_type=id_token response_mode=fragment",
        "parameters: id_token iss state=a-state | id_token state=a-state",
        ISS,
    ),
    (
        "authorize response_type=code%20id_token response_mode=query",
        "by: fragment | query",
        "the error goes where the response type's answers go: what is in the query ends up in logs",
    ),
    (
        "authorize response_type=code%20id_token response_mode=form_post",
        "parameters: code id_token iss state=a-state | code id_token state=a-state",
        ISS,
    ),
    (
        "authorize response_type=id_token%20token response_mode=query",
        "by: fragment | query",
        "the error goes where the response type's answers go: what is in the query ends up in logs",
    ),
    (
        "authorize response_mode=form_post prompt=none @as=nobody",
        "status: 200 | 400",
        "a page that posts an error is still a page that was served",
    ),
    (
        "authorize redirect_uri=https%3A%2F%2Fclient.example%2Fother%3Fx%3D1 response_type=id_token",
        "parameters: id_token iss state=a-state | id_token state=a-state",
        ISS,
    ),
    (
        "authorize +state=again",
        "by: - | query; leads to: - | https://client.example/callback; parameters: - | error=invalid_request iss; status: 400 | 303; type: text/html | -",
        TWICE,
    ),
    (
        "authorize +state=a-state",
        "by: - | query; leads to: - | https://client.example/callback; parameters: - | error=invalid_request iss; status: 400 | 303; type: text/html | -",
        TWICE,
    ),
    (
        "authorize +scope=openid",
        "by: - | query; leads to: - | https://client.example/callback; parameters: - | error=invalid_request iss state=a-state; status: 400 | 303; type: text/html | -",
        TWICE,
    ),
    (
        "authorize +response_type=code",
        "by: - | query; leads to: - | https://client.example/callback; parameters: - | error=invalid_request iss state=a-state; status: 400 | 303; type: text/html | -",
        TWICE,
    ),
    (
        "authorize +nonce=again",
        "by: - | query; leads to: - | https://client.example/callback; parameters: - | error=invalid_request iss state=a-state; status: 400 | 303; type: text/html | -",
        TWICE,
    ),
    (
        "authorize unknown=twice +unknown=twice",
        "by: - | query; leads to: - | https://client.example/callback; parameters: - | code iss state=a-state; status: 400 | 303; type: text/html | -",
        TWICE,
    ),
    (
        "authorize prompt=select_account",
        "asks: sign-in | -; by: - | query; cache: - | no-store; leads to: - | https://client.example/callback; parameters: - | error=invalid_request iss state=a-state; status: 200 | 303; type: text/html | -",
        "select_account is supported: one signs in again",
    ),
    (
        "authorize prompt=create",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "unknown words of prompt are ignored",
    ),
    (
        "authorize prompt=no-such-prompt",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "unknown words of prompt are ignored",
    ),
    (
        "authorize prompt=NONE",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "unknown words of prompt are ignored",
    ),
    (
        "authorize max_age=99999999999999999999",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "a number is a number, however large",
    ),
    (
        "authorize response_type=id_token code_challenge={challenge} code_challenge_method=S256",
        "parameters: id_token iss state=a-state | id_token state=a-state",
        ISS,
    ),
    (
        "authorize request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Anone",
        "parameters: error=request_uri_not_supported iss state=a-state | error=invalid_request_uri iss state=a-state",
        "no request_uri is taken, whoever made it",
    ),
    (
        "authorize claims=%7B%22userinfo%22%3A%7B%22name%22%3A%7B%22essential%22%3Atrue%7D%7D%7D",
        "asks: - | allow; by: query | -; leads to: https://client.example/callback | -; parameters: code iss state=a-state | -; status: 303 | 200; type: - | text/html",
        "the claim belongs to a scope that was allowed; nobody is asked again",
    ),
    (
        "authorize claims=%7B%7D",
        "parameters: code iss state=a-state | error=invalid_request iss state=a-state",
        "asking for nothing is no mistake",
    ),
    (
        "authorize claims=%7B%22id_token%22%3A%7B%22acr%22%3A%7B%22essential%22%3Atrue%2C%22values%22%3A%5B%22no-such-acr%22%5D%7D%7D%7D",
        "asks: - | sign-in; by: query | -; leads to: https://client.example/callback | -; parameters: error=unmet_authentication_requirements iss state=a-state | -; status: 303 | 200; type: - | text/html",
        "an acr that cannot be reached is said to be so (Unmet Authentication Requirements 1.0); signing in again would not reach it",
    ),
    (
        "code code={code:pkce} code_verifier=short",
        "members: error=invalid_grant | error=invalid_request",
        "RFC 7636, section 4.6: a verifier that does not fit is invalid_grant, whatever its shape",
    ),
    (
        "code code={code:pkce} code_verifier={long:129}",
        "members: error=invalid_grant | error=invalid_request",
        "RFC 7636, section 4.6: a verifier that does not fit is invalid_grant, whatever its shape",
    ),
    (
        "code code={code:pkce} code_verifier=%21{long:43}",
        "members: error=invalid_grant | error=invalid_request",
        "RFC 7636, section 4.6: a verifier that does not fit is invalid_grant, whatever its shape",
    ),
    ("code code=%00", "members: error=invalid_request | error=invalid_grant", UNREADABLE),
    (
        "code grant_type=password",
        "members: error=unauthorized_client | error=unsupported_grant_type",
        "the grant type is known, and this client may not use it",
    ),
    (
        "code client_secret={secret:post} code={code:post} @auth=none",
        "members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code code={code:public} code_verifier={verifier} @auth=Basic~{basic:public}",
        "members: access_token expires_in id_token token_type=Bearer | error=invalid_request; status: 200 | 400",
        "RFC 6749, section 2.3.1: an empty secret may be sent, and a client without one has none",
    ),
    ("code @auth=none", "members: error=invalid_client | error=invalid_request; status: 401 | 400", UNAUTHENTICATED),
    (
        "code @auth=Basic~{basic:empty}",
        "challenge: Basic | -; members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code @auth=Basic~{basic:bare}",
        "challenge: Basic | -; members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code @auth=Basic",
        "challenge: Basic | -; members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code @auth=Basic~",
        "challenge: Basic | -; members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code @auth=Basic~***",
        "challenge: Basic | -; members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code @auth=Basic~~{basic:web}",
        "members: access_token expires_in id_token token_type=Bearer | error=invalid_request; status: 200 | 400",
        "one space more hides nothing (RFC 9110, section 11.4)",
    ),
    (
        "code @auth=Bearer~{access}",
        "challenge: Basic | -; members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code @auth=Digest~x",
        "challenge: Basic | -; members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer client_assertion=x @auth=none",
        "members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code client_assertion=x @auth=none",
        "members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code client_assertion_type=no-such-type client_assertion=x @auth=none",
        "members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "code @origin=https://evil.example",
        "members: access_token expires_in id_token token_type=Bearer | error=invalid_request; status: 200 | 400",
        "CORS is the browser's to enforce: other origins may not read the answer, which is the same",
    ),
    (
        "code unknown=twice +unknown=twice",
        "members: error=invalid_request | access_token expires_in id_token token_type=Bearer; status: 400 | 200",
        TWICE,
    ),
    (
        "code resource=urn%3Ano-such-resource",
        "members: access_token expires_in id_token token_type=Bearer | error=invalid_target; status: 200 | 400",
        "resource is no parameter here (RFC 8707), and unknown parameters are ignored",
    ),
    ("refresh @auth=none", "members: error=invalid_client | error=invalid_request; status: 401 | 400", UNAUTHENTICATED),
    (
        "client_credentials scope=openid",
        "members: access_token expires_in id_token token_type=Bearer | access_token expires_in token_type=Bearer",
        "who asks for openid is given an ID token",
    ),
    (
        "client_credentials @auth=none",
        "members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "client_credentials client_id={public} @auth=none",
        "members: error=unauthorized_client | error=invalid_request",
        "a public client is known and not authorized for it (RFC 6749, section 5.2)",
    ),
    (
        "userinfo @method=POST",
        "challenge: - | Bearer invalid_request; members: email email_verified family_name given_name groups name nickname preferred_username sub updated_at | error=invalid_request; status: 200 | 400",
        "OpenID Connect Core 1.0, section 5.3.1: POST with a header and without a body is allowed",
    ),
    (
        "userinfo access_token={access} @auth=none",
        "challenge: Bearer | Bearer invalid_request; members: detail | error=invalid_request; status: 401 | 400",
        "a token in the query is not looked at (RFC 9700, section 4.3.2), so there is none",
    ),
    (
        "userinfo @auth=none",
        "members: detail | error=invalid_token",
        "there was no authentication, so the body names no error either",
    ),
    (
        "userinfo @auth=Bearer",
        "challenge: Bearer invalid_token | Bearer invalid_request; members: error=invalid_token | error=invalid_request; status: 401 | 400",
        "a token that cannot be one is not valid",
    ),
    (
        "userinfo @auth=Bearer~",
        "challenge: Bearer invalid_token | Bearer invalid_request; members: error=invalid_token | error=invalid_request; status: 401 | 400",
        "a token that cannot be one is not valid",
    ),
    (
        "userinfo @auth=Bearer~a~b",
        "challenge: Bearer invalid_token | Bearer invalid_request; members: error=invalid_token | error=invalid_request; status: 401 | 400",
        "a token that cannot be one is not valid",
    ),
    (
        "userinfo @auth=Basic~{basic:web}",
        "challenge: Bearer | Bearer invalid_request; members: detail | error=invalid_request; status: 401 | 400",
        "another scheme brings no bearer token, so there is no error code (RFC 6750, section 3.1)",
    ),
    (
        "userinfo @auth=DPoP~{access}",
        "challenge: Bearer | DPoP invalid_request; members: detail | error=invalid_request; status: 401 | 400",
        "another scheme brings no bearer token, so there is no error code (RFC 6750, section 3.1)",
    ),
    (
        "userinfo @auth=Token~{access}",
        "challenge: Bearer | Bearer invalid_request; members: detail | error=invalid_request; status: 401 | 400",
        "another scheme brings no bearer token, so there is no error code (RFC 6750, section 3.1)",
    ),
    (
        "userinfo @origin=https://evil.example",
        "challenge: - | Bearer invalid_request; members: email email_verified family_name given_name groups name nickname preferred_username sub updated_at | error=invalid_request; status: 200 | 400",
        "CORS is the browser's to enforce: other origins may not read the answer, which is the same",
    ),
    (
        "introspect",
        "members: acr active=true amr aud auth_time azp client_id email email_verified exp family_name given_name groups iat iss jti name nickname preferred_username sid sub token_type=Bearer uid updated_at username | active=true client_id exp iat iss sub token_type=Bearer",
        "more is told to the client whose token it is",
    ),
    (
        "introspect token={refresh}",
        "members: acr active=true aud auth_time client_id exp iat iss sub username | active=true client_id exp iat iss sub",
        "more is told to the client whose token it is",
    ),
    (
        "introspect @auth=none",
        "members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "introspect client_id={public} token={access:public} @auth=none",
        "members: error=invalid_client | active=true client_id exp iat iss sub token_type=Bearer; status: 401 | 200",
        "RFC 7662, section 2.1: only who has authenticated may ask",
    ),
    (
        "introspect client_id={public} @auth=none",
        "members: error=invalid_client | active=false; status: 401 | 200",
        "RFC 7662, section 2.1: only who has authenticated may ask",
    ),
    (
        "introspect @auth=Bearer~{access}",
        "challenge: Basic | -; members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "revoke token={access:other}",
        "members: - | error=invalid_request; status: 200 | 400; type: - | application/json",
        "RFC 7009, section 2.2: it does not learn that there is such a token",
    ),
    (
        "revoke token={refresh:other}",
        "members: - | error=invalid_request; status: 200 | 400; type: - | application/json",
        "RFC 7009, section 2.2: it does not learn that there is such a token",
    ),
    ("revoke @auth=none", "members: error=invalid_client | error=invalid_request; status: 401 | 400", UNAUTHENTICATED),
    (
        "device",
        "members: device_code expires_in interval user_code verification_uri verification_uri_complete | device_code expires_in user_code verification_uri verification_uri_complete",
        INTERVAL,
    ),
    (
        "device client_id={web} @auth=none",
        "members: device_code expires_in interval user_code verification_uri verification_uri_complete | error=invalid_client; status: 200 | 401",
        "programs that were set up with authentik send the client ID alone; the code is worth nothing without the secret",
    ),
    (
        "device client_id={public} @auth=none",
        "members: device_code expires_in interval user_code verification_uri verification_uri_complete | device_code expires_in user_code verification_uri verification_uri_complete",
        INTERVAL,
    ),
    (
        "device client_id={post} client_secret={secret:post} @auth=none",
        "members: device_code expires_in interval user_code verification_uri verification_uri_complete | device_code expires_in user_code verification_uri verification_uri_complete",
        INTERVAL,
    ),
    ("device @auth=none", "members: error=invalid_client | error=invalid_request; status: 401 | 400", UNAUTHENTICATED),
    (
        "device -scope",
        "members: device_code expires_in interval user_code verification_uri verification_uri_complete | error=invalid_request; status: 200 | 400",
        "scope is optional (RFC 8628, section 3.1)",
    ),
    (
        "device scope=no-such-scope",
        "members: device_code expires_in interval user_code verification_uri verification_uri_complete | device_code expires_in user_code verification_uri verification_uri_complete",
        INTERVAL,
    ),
    (
        "device scope=openid%20no-such-scope",
        "members: device_code expires_in interval user_code verification_uri verification_uri_complete | device_code expires_in user_code verification_uri verification_uri_complete",
        INTERVAL,
    ),
    (
        "device @method=GET",
        "cache: - | no-store; status: no such method | 400; type: - | text/html",
        "oidc-provider shows its page for people there",
    ),
    (
        "device_token @auth=none",
        "members: error=invalid_client | error=invalid_request; status: 401 | 400",
        UNAUTHENTICATED,
    ),
    (
        "discovery @member=token_endpoint_auth_methods_supported",
        "member: [\"client_secret_basic\",\"client_secret_post\",\"none\"] | [\"client_secret_basic\",\"client_secret_jwt\",\"client_secret_post\",\"none\",\"private_key_jwt\"]",
        "no client assertions yet",
    ),
    (
        "discovery @member=claims_supported",
        "member: [\"acr\",\"amr\",\"at_hash\",\"aud\",\"auth_time\",\"birthdate\",\"email\",\"email_verified\",\"exp\",\"family_name\",\"gender\",\"given_name\",\"groups\",\"iat\",\"iss\",\"locale\",\"middle_name\",\"name\",\"nickname\",\"nonce\",\"picture\",\"preferred_username\",\"profile\",\"sid\",\"sub\",\"updated_at\",\"website\",\"zoneinfo\"] | [\"auth_time\",\"email\",\"email_verified\",\"family_name\",\"given_name\",\"groups\",\"iss\",\"name\",\"nickname\",\"preferred_username\",\"sid\",\"sub\",\"updated_at\"]",
        "what the claim mappings make",
    ),
    ("discovery @member=claim_types_supported", "member: null | [\"normal\"]", "normal is the default"),
    (
        "discovery @member=request_parameter_supported",
        "member: false | null",
        "said explicitly, as some clients want it",
    ),
    (
        "discovery @member=id_token_signing_alg_values_supported",
        "member: [\"RS256\"] | [\"ES256\",\"RS256\"]",
        "the algorithm of the application's own key",
    ),
    (
        "discovery @member=acr_values_supported",
        "member: [\"goauthentik.io/providers/oauth2/default\"] | null",
        "authentik's",
    ),
    (
        "discovery @member=none @origin=https://anybody.example",
        "cors: * | https://anybody.example",
        "everybody may read them",
    ),
    (
        "discovery @member=none @method=OPTIONS @origin=https://anybody.example @access-control-request-method=GET",
        "cors: * | https://anybody.example",
        "everybody may read them",
    ),
    ("jwks", "type: application/json | application/jwk-set+json", "application/json, which every client reads"),
    (
        "jwks @member=none @origin=https://anybody.example",
        "cors: * | https://anybody.example; type: application/json | application/jwk-set+json",
        "everybody may read them",
    ),
    (
        "jwks @member=none unknown=parameter",
        "type: application/json | application/jwk-set+json",
        "application/json, which every client reads",
    ),
    (
        "end_session @as=leaver -id_token_hint client_id={web}",
        "by: - | query; leads to: - | https://client.example/goodbye; parameters: - | state=a-state; status: 200 | 303; type: text/html | -",
        "nobody proved who asks, so nobody is sent anywhere: a page says so",
    ),
    (
        "end_session @as=nobody",
        "by: query | -; leads to: https://client.example/goodbye | -; parameters: state=a-state | -; status: 303 | 200; type: - | text/html",
        "the hint is enough to go back, even when the session is gone already",
    ),
];
