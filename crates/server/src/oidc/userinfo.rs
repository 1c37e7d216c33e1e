//! `/application/o/userinfo/` (OpenID Connect Core 1.0, section 5.3; RFC 6750).

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_core::{cipher::sha256_hex, network::Place};
use doorward_protocols::oauth::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    token::words,
};
use doorward_store as store;
use serde_json::{Value, json};

use super::{grant::GrantError, issue, token::json_response};
use crate::{
    app::App,
    applications::{access, preview},
    connector,
    directory::person::{self, Person},
    http::{cors, form::is_urlencoded},
};

/// Longest access token that is looked up, in bytes: claims of many groups make long tokens.
const TOKEN_MAX: usize = 64 * 1024;

/// `GET` with a header, `POST` with a header or a form.
pub async fn serve(State(app): State<App>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    let response = match answer(&app, &method, &headers, &body).await {
        Ok(claims) => json_response(StatusCode::OK, &claims),
        Err(GrantError::OAuth(error)) => {
            tracing::info!(%error, "userinfo was refused");
            refused(&error)
        }
        Err(GrantError::Store(error)) => {
            tracing::error!(%error, "userinfo could not be served");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    };
    cors::registered(&app, &headers, response)
}

/// `OPTIONS`.
pub async fn options(State(app): State<App>, headers: HeaderMap) -> Response {
    cors::preflight(&app, &headers)
}

async fn answer(app: &App, method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<Value, GrantError> {
    let token = read_token(method, headers, body)?;
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
    let person = Person::new(user, groups, &snapshot);
    if !access::is_allowed(&client.application, &person, Place::Server) {
        return Err(invalid().detail("the user is disabled or may not use the application any more").into());
    }
    let scopes = words(&token.scopes);
    if !scopes.contains("openid") {
        return Err(OAuthError::new(ErrorCode::InsufficientScope, "The scope openid is needed").into());
    }
    let claims = preview::userinfo_of(&snapshot, client, &person, &scopes);
    let claims = claims.map_err(|error| issue::mapping_failed(&error))?;
    // NetBox makes the account right after this.
    connector::queue::seen(app, client.application.id, &person.user).await;
    Ok(claims)
}

/// The token, from one place (RFC 6750, section 2: not two). Never from the query, where logs would keep it.
fn read_token(method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<String, OAuthError> {
    let missing = || OAuthError::new(ErrorCode::InvalidToken, "An access token is needed");
    let in_header = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => {
            let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
            Some(token.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"))
        }
    };
    let form = if *method == Method::POST && is_urlencoded(headers) {
        Parameters::parse_long(body)?
    } else {
        Parameters::default()
    };
    let token = match (in_header, form.get("access_token")) {
        (Some(_), Some(_)) => {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "The access token is given twice"));
        }
        (Some(token), None) | (None, Some(token)) => token,
        (None, None) => return Err(missing()),
    };
    if token.is_empty() || token.len() > TOKEN_MAX {
        return Err(missing());
    }
    Ok(token.to_owned())
}

fn refused(error: &OAuthError) -> Response {
    let status = match error.code {
        ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNAUTHORIZED,
    };
    let code = error.code.as_str();
    let challenge = format!("Bearer error=\"{code}\", error_description=\"{}\"", error.description);
    let body = json!({ "error": code, "error_description": error.description });
    let mut response = json_response(status, &body);
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
