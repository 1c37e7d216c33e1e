//! `/application/o/userinfo/` (OpenID Connect Core 1.0, section 5.3; RFC 6750).

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_core::{
    cipher::sha256_hex,
    event::EventKind,
    timeline::{StepKind, detail},
};
use doorward_protocols::{
    oauth::{
        error::{ErrorCode, OAuthError},
        parameters::Parameters,
        token::words,
    },
    oidc::claims_request::ClaimsRequest,
};
use doorward_store::{self as store, access_token::AccessToken, grant::Grant};
use serde_json::{Map, Value, json};
use std::{net::IpAddr, sync::Arc};

use super::{grant::GrantError, issue, token::json_response};
use crate::{
    app::App,
    applications::{access, preview},
    connector,
    directory::person::{self, Person},
    events,
    http::{cors, form::is_urlencoded, visitor::ClientAddress},
    snapshot::{Client, Snapshot},
    timeline::{StepDraft, Trail},
};

/// Longest access token that is looked up, in bytes: claims of many groups make long tokens.
const TOKEN_MAX: usize = 64 * 1024;

/// `GET` with a header, `POST` with a header or a form.
pub async fn serve(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut client = None;
    let request = Request { method: &method, headers: &headers, body: &body, address };
    let response = match answer(&app, &request, &mut client).await {
        Ok(Some(claims)) => json_response(StatusCode::OK, &claims),
        Ok(None) => unauthenticated(),
        Err(GrantError::OAuth(error)) => {
            record(&app, client.as_deref(), &error, address).await;
            refused(&error)
        }
        Err(GrantError::Store(error)) => {
            tracing::error!(%error, "userinfo could not be served");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    };
    cors::of_client(&app, client.as_deref(), &headers, response)
}

/// Writes down that nothing was said, and why. Whose token it was is known only if it is good.
async fn record(app: &App, client: Option<&Client>, error: &OAuthError, address: IpAddr) {
    let whose = client.map_or(String::new(), |client| format!(" for {}", client.application.profile.name));
    let mut entry = events::Entry::new(EventKind::TokenFailed, format!("userinfo{whose} was refused: {error}"));
    entry.application = client.map(|client| client.application.id);
    entry.address = address.to_string();
    events::write(app, entry).await;
}

/// `OPTIONS`.
pub async fn options(State(app): State<App>, headers: HeaderMap) -> Response {
    cors::preflight(&app, &headers)
}

/// What came.
struct Request<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    body: &'a [u8],
    address: IpAddr,
}

/// `seen` is whose token it is, once that is known.
async fn answer(app: &App, request: &Request<'_>, seen: &mut Option<Arc<Client>>) -> Result<Option<Value>, GrantError> {
    let Some(token) = read_token(request.method, request.headers, request.body)? else { return Ok(None) };
    let invalid = || OAuthError::new(ErrorCode::InvalidToken, "The access token is not valid");
    let (hash, now) = (sha256_hex(token.as_bytes()), app.clock.now());
    let found = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let Some(token) = store::access_token::find(tx, &hash, now).await? else { return Ok(None) };
                let person = person::read(tx, token.grant.user).await?;
                Ok(person.map(|person| (token, person)))
            })
        })
        .await?;
    let (token, (user, groups)) = found.ok_or_else(|| invalid().detail("unknown, expired or revoked"))?;
    let snapshot = app.snapshot();
    let client = snapshot.by_provider(token.grant.provider).ok_or_else(invalid)?;
    *seen = Some(client.clone());
    let person = Person::new(user, groups, &snapshot);
    let asked = ClaimsRequest::kept(token.grant.claims.as_deref());
    let claims = claims(&snapshot, client, &person, &token, &asked);
    note(app, client, &token.grant, &claims, request.address);
    let claims = claims?;
    // NetBox makes the account right after this.
    connector::queue::seen(app, client.application.id, &person.user).await;
    Ok(Some(claims))
}

/// Notes that the application asked, and what it was told, on the attempt that its token comes from.
fn note(app: &App, client: &Client, grant: &Grant, claims: &Result<Value, OAuthError>, address: IpAddr) {
    let Some(trail) = Trail::of_grant(client, grant) else { return };
    app.timeline.note_repeating(&trail, (StepKind::Userinfo, claims.is_ok()), || {
        let step = match claims {
            Ok(claims) => {
                let names: Vec<_> = claims.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
                let text = format!("{} asked userinfo", client.application.profile.name);
                StepDraft::good(StepKind::Userinfo, text).with("claims", names.join(" "))
            }
            Err(error) => {
                StepDraft::refused(StepKind::Userinfo, &error.detail).with(detail::ERROR, error.code.as_str())
            }
        };
        step.with("from", address.to_string())
    });
}

fn claims(
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    token: &AccessToken,
    asked: &ClaimsRequest,
) -> Result<Value, OAuthError> {
    let invalid = || OAuthError::new(ErrorCode::InvalidToken, "The access token is not valid");
    if access::check_holder(&client.application, person, token.is_clients_own).is_err() {
        return Err(invalid().detail("the user is disabled or may not use the application any more"));
    }
    let scopes = words(&token.scopes);
    if !scopes.contains("openid") {
        return Err(OAuthError::new(ErrorCode::InsufficientScope, "The scope openid is needed"));
    }
    let granted = words(&token.grant.scopes);
    let claims = preview::userinfo_of(snapshot, client, person, (&scopes, &granted), &asked.userinfo);
    claims.map_err(|error| issue::mapping_failed(&error))
}

/// The token, from one place (RFC 6750, section 2: not two). Never from the query, where logs would keep it. `None` if the
/// request does not try to authenticate by a token at all.
fn read_token(method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<Option<String>, OAuthError> {
    let twice = || OAuthError::new(ErrorCode::InvalidRequest, "The access token is given twice");
    let malformed = || OAuthError::new(ErrorCode::InvalidToken, "The access token is malformed");
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let in_header = match (sent.next(), sent.next()) {
        (_, Some(_)) => return Err(twice()),
        (None, None) => None,
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| malformed())?.trim();
            let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
            Some(token.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"))
        }
    };
    let form = if *method == Method::POST && is_urlencoded(headers) {
        Parameters::parse_long(body)?
    } else {
        Parameters::default()
    };
    let token = match (in_header, form.get("access_token")) {
        (Some(_), Some(_)) => return Err(twice()),
        (Some(token), None) | (None, Some(token)) => token,
        (None, None) => return Ok(None),
    };
    if token.is_empty() || token.len() > TOKEN_MAX {
        return Err(malformed());
    }
    Ok(Some(token.to_owned()))
}

/// No token came: the challenge says so without an error code (RFC 6750, section 3.1).
fn unauthenticated() -> Response {
    let mut response = json_response(StatusCode::UNAUTHORIZED, &json!({ "detail": "An access token is needed" }));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn refused(error: &OAuthError) -> Response {
    let (code, description) = (error.code.as_str(), error.description);
    let body = json!({ "error": code, "error_description": description });
    let status = match error.code {
        ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        // Nothing is wrong with the token, and asking again with another would not help.
        ErrorCode::ServerError => return json_response(StatusCode::INTERNAL_SERVER_ERROR, &body),
        _ => StatusCode::UNAUTHORIZED,
    };
    let scope = if error.code == ErrorCode::InsufficientScope { ", scope=\"openid\"" } else { "" };
    let challenge = format!("Bearer error=\"{code}\", error_description=\"{description}\"{scope}");
    let mut response = json_response(status, &body);
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
