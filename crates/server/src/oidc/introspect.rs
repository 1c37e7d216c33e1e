//! `POST /application/o/introspect/` (RFC 7662).

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use doorward_core::{
    cipher::sha256_hex,
    id::{GroupId, ProviderId},
    user::User,
};
use doorward_protocols::{
    oauth::{
        client_authentication::Proof,
        error::{ErrorCode, OAuthError},
        introspection::{self, Living, RefreshFacts, TokenType},
        token::{join, words},
    },
    oidc::subject::subject,
};
use doorward_store::{self as store, access_token::AccessToken, db::Tx, grant::Grant, refresh_token::RefreshToken};
use jiff::Timestamp;
use serde_json::Value;
use std::{collections::BTreeSet, net::IpAddr};

use super::{client, grant::GrantError, token::json_response};
use crate::{
    app::App,
    applications::access,
    directory::person::{self, Person},
    http::visitor::ClientAddress,
    snapshot::{Client, Snapshot},
};

/// Says whether a token of the client that asks is good, and what it holds.
pub async fn post(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match answer(&app, &headers, &body, address).await {
        Ok(answer) => json_response(StatusCode::OK, &answer),
        Err(error) => client::refuse(&app, "an introspection request", error, &headers, address).await,
    }
}

/// The answer. Whatever is not a living token of the client's own is told in the same words: that it is not active.
async fn answer(app: &App, headers: &HeaderMap, body: &[u8], address: IpAddr) -> Result<Value, GrantError> {
    let form = client::form(headers, body)?;
    let (client, proof) = client::authenticate(app, headers, &form, address).await?;
    if proof == Proof::Name {
        // RFC 7662, section 4: or whoever finds a token could ask what it is good for.
        let error = OAuthError::new(ErrorCode::InvalidClient, "Client authentication failed");
        return Err(error.detail("a public client asked for an introspection").into());
    }
    let token = form.require("token", "token is missing")?;
    let hint = TokenType::hinted(form.get("token_type_hint"));
    let found = find(app, client.provider.id, token, hint).await?;
    let snapshot = app.snapshot();
    let told = found.and_then(|found| found.tell(&snapshot, &client, token));
    Ok(told.unwrap_or_else(introspection::inactive))
}

/// A living token of a client, and whose it is.
struct Found {
    token: Token,
    user: User,
    groups: BTreeSet<GroupId>,
}

enum Token {
    Access(AccessToken),
    Refresh(RefreshToken, Grant),
}

/// Looks a token up, where it is said to be first.
async fn find(app: &App, provider: ProviderId, token: &str, hint: TokenType) -> store::Result<Option<Found>> {
    let (hash, now) = (sha256_hex(token.as_bytes()), app.clock.now());
    let order = match hint {
        TokenType::Access => [TokenType::Access, TokenType::Refresh],
        TokenType::Refresh => [TokenType::Refresh, TokenType::Access],
    };
    app.db
        .read(move |tx| {
            Box::pin(async move {
                for kind in order {
                    let Some(token) = find_one(tx, kind, &hash, now).await? else { continue };
                    // CVE-2024-47077, Keycloak CVE-2026-37979: another client's token is none.
                    let grant = token.grant();
                    if grant.provider != provider || grant.revoked_at.is_some() {
                        return Ok(None);
                    }
                    let person = person::read(tx, grant.user).await?;
                    return Ok(person.map(|(user, groups)| Found { token, user, groups }));
                }
                Ok(None)
            })
        })
        .await
}

async fn find_one(tx: &mut Tx<'_>, kind: TokenType, hash: &str, now: Timestamp) -> store::Result<Option<Token>> {
    if kind == TokenType::Access {
        return Ok(store::access_token::find(tx, hash, now).await?.map(Token::Access));
    }
    let Some(token) = store::refresh_token::find(tx, hash).await? else { return Ok(None) };
    if token.consumed_at.is_some() || token.expires_at <= now {
        return Ok(None);
    }
    Ok(store::grant::find(tx, token.grant).await?.map(|grant| Token::Refresh(token, grant)))
}

impl Token {
    fn grant(&self) -> &Grant {
        match self {
            Self::Access(token) => &token.grant,
            Self::Refresh(_, grant) => grant,
        }
    }
}

impl Found {
    /// What the client is told; `None` if whose it is may not use it any more (Keycloak CVE-2026-8922).
    fn tell(self, snapshot: &Snapshot, client: &Client, presented: &str) -> Option<Value> {
        let person = Person::new(self.user, self.groups, snapshot);
        let (scopes, is_clients_own) = match &self.token {
            Token::Access(token) => (&token.scopes, token.is_clients_own),
            Token::Refresh(_, grant) => (&grant.scopes, false),
        };
        access::check_holder(&client.application, &person, is_clients_own).ok()?;
        let configured = |scope: &String| scope == "openid" || client.scopes.contains(scope);
        let scopes: BTreeSet<String> = words(scopes).into_iter().filter(configured).collect();
        let provider = &client.provider.profile;
        let scope = join(&scopes);
        let living = Living { client_id: &provider.client_id, username: &person.user.profile.username, scope: &scope };
        match &self.token {
            Token::Access(_) => Some(introspection::of_access_token(presented, &living)),
            Token::Refresh(token, grant) => scopes.contains("offline_access").then(|| {
                let facts = RefreshFacts {
                    issuer: &client.issuer,
                    subject: &subject(provider.sub_mode, &person.user),
                    issued_at: grant.created_at,
                    authenticated_at: grant.authenticated_at,
                    expires_at: token.expires_at,
                };
                introspection::of_refresh_token(&facts, &living)
            }),
        }
    }
}
