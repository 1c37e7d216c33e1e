//! Issuing codes and tokens. Whether the person is active and may use the application was just looked at by the caller;
//! whether the grant still stands is looked at in the transaction that writes.

mod front_channel;
mod keep;

use doorward_core::{
    cipher::sha256_hex,
    clock::after,
    event::{Event, EventKind},
    id::GrantId,
    random,
};
use doorward_protocols::{
    jose::signer::TokenKind,
    oauth::{
        authorize::AuthorizeRequest,
        error::{ErrorCode, OAuthError},
        token::{TokenResponse, join, words},
    },
    oidc::{
        claims::MappingError,
        claims_request::ClaimsRequest,
        id_token::{Companions, TokenFacts},
        subject::subject,
    },
};
use doorward_store::{
    self as store, authorization_code::AuthorizationCode, grant::Grant, session_client::SessionClient,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

use self::front_channel::FrontTokens;
pub use self::keep::{begin, keep, keep_in_place};
use super::{
    grant::GrantError,
    refresh_family,
    response_mode::AnswerParameters,
    token_bounds::{self, Bound},
};
use crate::{
    app::App,
    applications::preview,
    auth::session::sid,
    directory::person::Person,
    events,
    http::visitor::SignedIn,
    snapshot::{Client, Snapshot},
    timeline::Trail,
};

/// How long a used code is remembered past its end, so that its replay is noticed.
const CODE_MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// What an authorization request was given.
#[derive(Debug)]
pub struct Issued {
    code: Option<String>,
    tokens: FrontTokens,
}

impl Issued {
    /// What the answer says of it.
    pub fn parameters(self) -> AnswerParameters {
        self.code.map(|code| ("code", code)).into_iter().chain(self.tokens.parameters()).collect()
    }
}

/// Begins a grant and makes what the request asks for: a code of 43 letters and digits (256 bits), tokens, or both. `None`
/// if the session has ended meanwhile.
///
/// # Errors
/// `server_error` if tokens cannot be made; what the database says.
pub async fn answer(
    app: &App,
    client: &Client,
    request: &AuthorizeRequest,
    signed_in: &SignedIn,
    trail: &Trail,
) -> Result<Option<Issued>, GrantError> {
    let (now, session) = (app.clock.now(), signed_in.session.id);
    let provider = &client.provider.profile;
    let expires_at = after(now, provider.access_code_validity.duration());
    let grant = Grant {
        id: GrantId::new(&app.clock),
        provider: client.provider.id,
        user: signed_in.user.id,
        session: Some(signed_in.session.id),
        sid: sid(signed_in.session.id),
        scopes: join(&request.scopes),
        authenticated_at: signed_in.session.authenticated_at,
        methods: signed_in.session.methods.clone(),
        created_at: now,
        expires_at: after(expires_at, CODE_MEMORY),
        revoked_at: None,
        attempt: Some(trail.id()),
        claims: request.claims.to_json(),
    };
    let kept = AuthorizationCode {
        grant: grant.id,
        redirect_uri: request.redirect_uri.clone(),
        nonce: request.nonce.clone(),
        code_challenge: request.code_challenge.clone(),
        expires_at,
    };
    let event = event(app, client, signed_in, trail);
    let participant = (!provider.logout_uri.is_empty()).then(|| SessionClient {
        session,
        provider: client.provider.id,
        user: signed_in.user.id,
        subject: subject(provider.sub_mode, &signed_in.user),
        expires_at: signed_in.session.expires_at,
    });
    let code = request.response_type.has_code().then(|| random::alphanumeric(43));
    let order = Order {
        client,
        person: &signed_in.person,
        grant: &grant,
        scopes: &request.scopes,
        nonce: request.nonce.as_deref(),
        with_refresh: false,
    };
    let tokens = FrontTokens::make(app, &app.snapshot(), &order, (request.response_type, code.as_deref()))?;
    let issued = Issued { code, tokens };
    let bound = Bound::Grants(grant.provider, grant.user);
    let written = app.db.write(move |tx| {
        Box::pin(async move {
            if !store::session::is_still_alive(tx, session, now).await? {
                return Ok(None);
            }
            store::grant::insert(tx, &grant).await?;
            if let Some(code) = &issued.code {
                store::authorization_code::insert(tx, &sha256_hex(code.as_bytes()), &kept).await?;
            }
            issued.tokens.keep(tx, grant.id).await?;
            if let Some(participant) = &participant {
                store::session_client::remember(tx, participant).await?;
            }
            store::event::insert_any(tx, event.as_ref()).await?;
            Ok(Some(issued))
        })
    });
    let issued = written.await?;
    if issued.is_some() {
        token_bounds::added(app, bound).await;
    }
    Ok(issued)
}

/// That somebody signed in to an application, unless it was written down very often lately.
fn event(app: &App, client: &Client, signed_in: &SignedIn, trail: &Trail) -> Option<Event> {
    let name = &client.application.profile.name;
    let text = format!("{} signed in to {name}", signed_in.user.profile.username);
    let mut entry = events::Entry::new(EventKind::Authorized, text);
    entry.user = Some(signed_in.user.id);
    entry.application = Some(client.application.id);
    entry.address.clone_from(&trail.attempt().address);
    entry.reference = trail.reference();
    entry.bounded_event(app)
}

/// Tokens made and signed, not kept yet.
#[derive(Debug)]
pub struct Tokens {
    access_hash: String,
    issued_at: Timestamp,
    access_expires_at: Timestamp,
    refresh: Option<(String, Timestamp)>,
    scopes: String,
    /// What the client gets once they are kept.
    pub response: TokenResponse,
}

/// For whom and what tokens are made.
#[derive(Debug)]
pub struct Order<'a> {
    /// The application.
    pub client: &'a Client,
    /// The person.
    pub person: &'a Person,
    /// The grant.
    pub grant: &'a Grant,
    /// The tokens' scopes.
    pub scopes: &'a BTreeSet<String>,
    /// The authorization request's nonce.
    pub nonce: Option<&'a str>,
    /// Whether a refresh token is made.
    pub with_refresh: bool,
}

/// Makes and signs tokens; called outside of a transaction.
///
/// # Errors
/// `server_error` if a claim mapping fails or a signature cannot be made: nothing is issued then.
pub fn tokens(app: &App, snapshot: &Snapshot, order: &Order<'_>) -> Result<Tokens, OAuthError> {
    let now = app.clock.now();
    let provider = &order.client.provider.profile;
    let scope = join(order.scopes);
    let subject = subject(provider.sub_mode, &order.person.user);
    let grant = order.grant;
    let sign_in = SignInFacts { authenticated_at: grant.authenticated_at, methods: &grant.methods, sid: &grant.sid };
    let facts = facts(order.client, &subject, sign_in, now);
    let expires_at = facts.expires_at;
    let extra = extra(snapshot, order.client, order.person, order.scopes).map_err(|error| mapping_failed(&error))?;
    let signer = &order.client.signer;
    let sign = |kind, claims| {
        signer.sign(kind, &claims).map_err(|error| server_error("The token could not be signed", error.to_string()))
    };
    let uid = random::alphanumeric(40);
    let access_token = sign(TokenKind::AccessToken, facts.access_token(&extra, &scope, &uid))?;
    let id_token = if order.scopes.contains("openid") {
        let extra = id_token_extra(snapshot, order, extra).map_err(|error| mapping_failed(&error))?;
        let companions = Companions { access_token: Some(&access_token), code: None };
        let claims = facts.id_token(&extra, order.nonce, companions, signer.algorithm());
        Some(sign(TokenKind::IdToken, claims)?)
    } else {
        None
    };
    let refresh_expires_at = after(now, provider.refresh_token_validity.duration());
    let refresh_token = order.with_refresh.then(|| refresh_family::make(&app.cipher, grant.id));
    Ok(Tokens {
        access_hash: sha256_hex(access_token.as_bytes()),
        issued_at: now,
        access_expires_at: expires_at,
        refresh: refresh_token.as_ref().map(|token| (sha256_hex(token.as_bytes()), refresh_expires_at)),
        scopes: scope.clone(),
        response: TokenResponse {
            access_token,
            token_type: "Bearer",
            expires_in: provider.access_token_validity.as_seconds(),
            scope,
            id_token,
            refresh_token,
        },
    })
}

/// The sign-in that tokens speak of.
#[derive(Debug, Clone, Copy)]
pub struct SignInFacts<'a> {
    /// When the person showed who they are.
    pub authenticated_at: Timestamp,
    /// How, as kept with the session.
    pub methods: &'a str,
    /// The session as the client knows it.
    pub sid: &'a str,
}

/// What the tokens of an application stand on.
pub fn facts<'a>(client: &'a Client, subject: &'a str, sign_in: SignInFacts<'a>, now: Timestamp) -> TokenFacts<'a> {
    let provider = &client.provider.profile;
    TokenFacts {
        issuer: &client.issuer,
        subject,
        client_id: &provider.client_id,
        authenticated_at: sign_in.authenticated_at,
        methods: sign_in.methods,
        sid: sign_in.sid,
        now,
        expires_at: after(now, provider.access_token_validity.duration()),
    }
}

/// What the claim mappings put into tokens: nothing, where the application asks userinfo for it.
///
/// # Errors
/// The mapping that fails.
pub fn extra(
    snapshot: &Snapshot,
    client: &Client,
    person: &Person,
    scopes: &BTreeSet<String>,
) -> Result<Map<String, Value>, MappingError> {
    if client.provider.profile.include_claims_in_id_token {
        preview::claims(snapshot, client, person, scopes)
    } else {
        Ok(Map::new())
    }
}

/// What stands in the ID token beside that: claims that the authorization request asked for by name. They are for the ID
/// token alone; other servers see access tokens.
///
/// # Errors
/// The mapping that fails.
pub fn id_token_extra(
    snapshot: &Snapshot,
    order: &Order<'_>,
    extra: Map<String, Value>,
) -> Result<Map<String, Value>, MappingError> {
    let asked = ClaimsRequest::kept(order.grant.claims.as_deref()).id_token;
    let granted = words(&order.grant.scopes);
    preview::with_asked(snapshot, order.client, order.person, &granted, extra, &asked)
}

/// A claim mapping failed: nothing is issued, and the log names it.
pub fn mapping_failed(error: &MappingError) -> OAuthError {
    server_error("A claim mapping failed", error.to_string())
}

fn server_error(description: &'static str, detail: String) -> OAuthError {
    OAuthError::new(ErrorCode::ServerError, description).detail(detail)
}
