//! Tokens that travel with the browser (OpenID Connect Core 1.0, sections 3.2.2.5 and 3.3.2.5). Never refresh tokens.

use doorward_core::{cipher::sha256_hex, clock::after, id::GrantId, random};
use doorward_protocols::{
    jose::signer::TokenKind,
    oauth::{error::OAuthError, response_type::ResponseType, token::join},
    oidc::{id_token::Companions, subject::subject},
};
use doorward_store::{self as store, db::Tx};
use jiff::Timestamp;

use super::{Order, SignInFacts, extra, facts, id_token_extra, mapping_failed, server_error};
use crate::{app::App, applications::preview, oidc::response_mode::AnswerParameters, snapshot::Snapshot};

/// An access token, signed, not kept yet.
#[derive(Debug)]
struct AccessToken {
    token: String,
    hash: String,
    scope: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
    expires_in: i64,
}

/// The tokens of an answer, signed, not kept yet. A code alone comes with none.
#[derive(Debug, Default)]
pub(super) struct FrontTokens {
    access: Option<AccessToken>,
    id_token: Option<String>,
}

impl FrontTokens {
    /// Makes and signs what the response type asks for; called outside of a transaction.
    ///
    /// # Errors
    /// `server_error` if a claim mapping fails or a signature cannot be made: nothing is issued then, no code either.
    pub(super) fn make(
        app: &App,
        snapshot: &Snapshot,
        order: &Order<'_>,
        (response_type, code): (ResponseType, Option<&str>),
    ) -> Result<Self, OAuthError> {
        if response_type == ResponseType::Code {
            return Ok(Self::default());
        }
        let (client, grant) = (order.client, order.grant);
        let provider = &client.provider.profile;
        let subject = subject(provider.sub_mode, &order.person.user);
        let sign_in =
            SignInFacts { authenticated_at: grant.authenticated_at, methods: &grant.methods, sid: &grant.sid };
        let facts = facts(client, &subject, sign_in, app.clock.now());
        // Whoever gets nothing but an ID token cannot ask userinfo (OpenID Connect Core 1.0, section 5.4).
        let extra = if response_type == ResponseType::IdToken {
            preview::claims(snapshot, client, order.person, order.scopes)
        } else {
            extra(snapshot, client, order.person, order.scopes)
        };
        let extra = extra.map_err(|error| mapping_failed(&error))?;
        let sign = |kind, claims| {
            let signed = client.signer.sign(kind, &claims);
            signed.map_err(|error| server_error("The token could not be signed", error.to_string()))
        };
        let mut made = Self::default();
        if response_type.has_access_token() {
            let (scope, uid) = (join(order.scopes), random::alphanumeric(40));
            let token = sign(TokenKind::AccessToken, facts.access_token(&extra, &scope, &uid))?;
            made.access = Some(AccessToken {
                hash: sha256_hex(token.as_bytes()),
                token,
                scope,
                issued_at: facts.now,
                expires_at: facts.expires_at,
                expires_in: provider.access_token_validity.as_seconds(),
            });
        }
        if response_type.has_id_token() {
            let access_token = made.access.as_ref().map(|access| access.token.as_str());
            let companions = Companions { access_token, code };
            let extra = id_token_extra(snapshot, order, extra).map_err(|error| mapping_failed(&error))?;
            let claims = facts.id_token(&extra, order.nonce, companions, client.signer.algorithm());
            made.id_token = Some(sign(TokenKind::IdToken, claims)?);
        }
        Ok(made)
    }

    /// Keeps the access token, if there is one, with a grant that was made in the same transaction.
    pub(super) async fn keep(&self, tx: &mut Tx<'_>, grant: GrantId) -> store::Result<()> {
        let Some(access) = &self.access else { return Ok(()) };
        store::grant::extend_living(tx, grant, after(access.expires_at, super::CODE_MEMORY)).await?;
        store::access_token::insert(tx, &access.hash, grant, &access.scope, access.issued_at, access.expires_at).await
    }

    /// The parameters of the answer, after the code.
    pub(super) fn parameters(self) -> AnswerParameters {
        let mut parameters = Vec::new();
        if let Some(access) = self.access {
            parameters.extend([
                ("access_token", access.token),
                ("token_type", "Bearer".to_owned()),
                ("expires_in", access.expires_in.to_string()),
                ("scope", access.scope),
            ]);
        }
        parameters.extend(self.id_token.map(|id_token| ("id_token", id_token)));
        parameters
    }
}
