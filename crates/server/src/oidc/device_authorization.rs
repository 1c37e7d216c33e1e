//! `POST /application/o/device/` (RFC 8628, section 3.1): a device asks for a code that its person can type.
//!
//! RFC 8628 wants confidential clients to authenticate here as at the token endpoint; authentik, and so the programs that
//! were set up with it, send the client ID alone. Both are served: whoever sends credentials must have them right, and
//! whoever sends none gets a code that is worth nothing without them at the token endpoint.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use doorward_core::{
    cipher::sha256_hex,
    clock::after,
    event::EventKind,
    grant_type::GrantType,
    id::AttemptId,
    network::Place,
    random,
    timeline::{AttemptMethod, StepKind, detail},
};
use doorward_protocols::oauth::{
    device_code::{DEVICE_CODE_LENGTH, DeviceAuthorizationResponse, LIFETIME, USER_CODE_DIGITS, requested_scopes},
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    token::join,
};
use doorward_store::{self as store, device_code::DeviceCode};
use serde_json::json;
use std::{net::IpAddr, sync::Arc};

use super::{
    client,
    device_limits::{self, TooMany},
    grant::GrantError,
    token::{json_response, refused, unavailable},
};
use crate::{
    app::App,
    applications::access,
    auth::throttle::network,
    events,
    http::{cors, visitor::ClientAddress},
    snapshot::Client,
    timeline::{StepDraft, Trail},
};

/// How often another user code is made if one is taken already.
const TRIES: usize = 5;

/// Serves the request of a device.
pub async fn post(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut client = None;
    match serve(&app, &headers, &body, address, &mut client).await {
        Ok(Answer::Codes(answer)) => json_response(StatusCode::OK, &json!(answer)),
        Ok(Answer::TooMany(limit)) => {
            let error = OAuthError::new(ErrorCode::SlowDown, "There were too many requests; try again later")
                .detail(format!("too many {}; wait for {} seconds", limit.what, limit.wait.as_secs()));
            let reference = record(&app, &error, client.as_deref(), address).await;
            let mut response = refused(&error, &reference, false);
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert(header::RETRY_AFTER, limit.wait.as_secs().max(1).unsigned_abs().into());
            response
        }
        Err(GrantError::OAuth(error)) => {
            let reference = record(&app, &error, client.as_deref(), address).await;
            refused(&error, &reference, headers.contains_key(header::AUTHORIZATION))
        }
        Err(GrantError::Store(error)) => {
            tracing::error!(%error, "a device authorization request could not be served");
            unavailable(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// What a sound request is answered.
enum Answer {
    Codes(DeviceAuthorizationResponse),
    TooMany(TooMany),
}

async fn serve(
    app: &App,
    headers: &HeaderMap,
    body: &[u8],
    address: IpAddr,
    seen: &mut Option<Arc<Client>>,
) -> Result<Answer, GrantError> {
    client::check_is_form(headers)?;
    let form = Parameters::parse(body)?;
    let credentials = client::credentials(headers, &form)?;
    let client = client::find(app, &credentials)?;
    *seen = Some(client.clone());
    cors::check_no_stranger(app, &client, headers)?;
    if credentials.method != "none" {
        credentials.check(&client.provider, app.clock.now())?;
        client::note_old_secret(app, &client, &credentials, address).await;
    }
    check_client(&client, address)?;
    let scopes = requested_scopes(&form, &client.scopes)?;
    if let Some(limit) = device_limits::look(app, address).await? {
        return Ok(Answer::TooMany(limit));
    }
    Ok(begin(app, &client, join(&scopes), address).await?)
}

/// Whether the client may use device codes at all, and from where the device is.
fn check_client(client: &Client, address: IpAddr) -> Result<(), OAuthError> {
    let provider = &client.provider.profile;
    if !provider.grant_types.contains(&GrantType::DeviceCode) {
        let name = GrantType::DeviceCode.as_str();
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "This client may not use device codes")
            .detail(format!("the grant type {name} is not switched on for this application")));
    }
    // The tokens go to the device: it is held to the networks as a browser would be.
    access::check_place(&client.application.profile.networks, Place::Browser(address)).map_err(|why| {
        OAuthError::new(ErrorCode::AccessDenied, "The application cannot be used from this network")
            .detail(why.to_string())
    })
}

/// Makes codes and lets the device wait, if one more may.
async fn begin(app: &App, client: &Client, scopes: String, address: IpAddr) -> store::Result<Answer> {
    let (now, provider) = (app.clock.now(), client.provider.id);
    let device_code = random::alphanumeric(DEVICE_CODE_LENGTH);
    let candidates: Vec<(String, String)> = (0..TRIES)
        .map(|_| {
            let code = random::digits(USER_CODE_DIGITS);
            let hash = user_code_hash(app, &code);
            (code, hash)
        })
        .collect();
    let mut kept = DeviceCode {
        hash: sha256_hex(device_code.as_bytes()),
        user_code_hash: String::new(),
        provider,
        scopes,
        address: address.to_string(),
        network: network(address),
        site: device_limits::site(address),
        region: device_limits::region(address),
        created_at: now,
        expires_at: after(now, LIFETIME),
        attempt: AttemptId::new(&app.clock),
        decided_at: None,
        decided_by: None,
        grant: None,
        consumed_at: None,
    };
    let added = app.db.write(move |tx| {
        Box::pin(async move {
            if let Some(limit) = device_limits::count_request(tx, address, provider, now).await? {
                return Ok(Err(limit));
            }
            for (code, hash) in candidates {
                kept.user_code_hash = hash;
                if store::device_code::insert(tx, &kept).await? {
                    return Ok(Ok(code));
                }
            }
            Err(store::Error::Query("no user code was free".to_owned()))
        })
    });
    let page = format!("{}device", app.config.public_url.as_str());
    Ok(match added.await? {
        Ok(user_code) => Answer::Codes(DeviceAuthorizationResponse::new(device_code, user_code, page)),
        Err(limit) => Answer::TooMany(limit),
    })
}

/// A user code as it is kept. It is short, so a plain hash of it would be as good as the code.
pub(super) fn user_code_hash(app: &App, user_code: &str) -> String {
    app.cipher.mac("user code", user_code.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn record(app: &App, error: &OAuthError, client: Option<&Client>, address: IpAddr) -> String {
    let trail = Trail::begin(app, AttemptMethod::Device).from(address);
    let trail = client.map_or(trail.clone(), |client| trail.to(&client.application));
    let step = StepDraft::refused(StepKind::Refused, &error.detail).with(detail::ERROR, error.code.as_str());
    let name = client.map_or("a device", |client| client.application.profile.name.as_str());
    let mut entry = events::Entry::new(EventKind::AuthorizationFailed, format!("{name}: {error}"));
    entry.application = client.map(|client| client.application.id);
    entry.address = address.to_string();
    events::write(app, entry.on(&trail, step)).await
}
