//! What every administration page works with: who asks, for what, and how the answer is given.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::Response,
};
use doorward_core::problem::Problems;
use doorward_protocols::oauth::parameters::Parameters;
use serde_json::{Value, json};
use std::{str::FromStr, sync::Arc};

use crate::{
    actor::Actor,
    app::App,
    auth::sign_in::see_other,
    error::{OperationError, OperationResult},
    http::{
        error_page::ErrorPage,
        visitor::{Administrator, Visitor},
    },
    pages,
};

/// A template and the item of the administration menu it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// File name of the template.
    pub(super) template: &'static str,
    /// Item of the menu.
    pub(super) nav: &'static str,
}

/// What was done before the browser came back to a page. Only the code travels in the address, never the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Added,
    Saved,
    Deleted,
    SessionEnded,
    SecretRotated,
    SecretRotatedKept,
    OldSecretStopped,
    UriAdded,
    UriDismissed,
    LdapRemoved,
    ProxyAdded,
    ProxyRemoved,
    KeyRotated,
    /// A key that leaked was replaced.
    KeyReplaced,
    AuthenticatorRemoved,
    AppPasswordRemoved,
    RunStarted,
    Retried,
    Linked,
    Unlinked,
    ConnectorRemoved,
    TokenDisabled,
    TokenRevoked,
}

impl Done {
    const ALL: [(Self, &'static str, &'static str); 23] = [
        (Self::Added, "added", "Added."),
        (Self::Saved, "saved", "Your changes are saved."),
        (Self::Deleted, "deleted", "Deleted."),
        (Self::SessionEnded, "session-ended", "The session is ended."),
        (Self::SecretRotated, "secret-rotated", "There is a new client secret; the old one is refused from now on."),
        (
            Self::SecretRotatedKept,
            "secret-rotated-kept",
            "There is a new client secret; the old one works until the time shown below.",
        ),
        (Self::OldSecretStopped, "old-secret-stopped", "The old client secret is refused from now on."),
        (Self::UriAdded, "uri-added", "The redirect URI is added. Sign in at the application again."),
        (Self::UriDismissed, "uri-dismissed", "Dismissed. You are not asked about this address again."),
        (Self::LdapRemoved, "ldap-removed", "The LDAP provider is removed."),
        (Self::ProxyAdded, "proxy-added", "The proxy provider is added. Set up the proxy next."),
        (Self::ProxyRemoved, "proxy-removed", "The proxy provider is removed. Everybody at its hosts is signed out."),
        (
            Self::KeyReplaced,
            "key-replaced",
            "The new key signs, and the old one is withdrawn. Applications refuse its tokens when they fetch the keys anew.",
        ),
        (Self::KeyRotated, "key-rotated", "The next key is published. It takes over signing at the time shown below."),
        (
            Self::AuthenticatorRemoved,
            "authenticator-removed",
            "The authenticator app is removed; the password alone signs in now.",
        ),
        (Self::AppPasswordRemoved, "app-password-removed", "The app password is removed; it is refused from now on."),
        (Self::RunStarted, "run-started", "Everybody is in the queue; reload the page to see how far it is."),
        (Self::Retried, "retried", "What had failed is tried again now."),
        (Self::Linked, "linked", "Linked; the account is brought in line in a moment."),
        (Self::Unlinked, "unlinked", "Unlinked; the account stays as it is."),
        (Self::ConnectorRemoved, "connector-removed", "The connector is removed; the accounts stay as they are."),
        (Self::TokenDisabled, "token-disabled", "The API token is disabled; NetBox refuses it from now on."),
        (Self::TokenRevoked, "token-revoked", "The API token is revoked."),
    ];

    fn code(self) -> &'static str {
        Self::ALL.into_iter().find(|(done, ..)| *done == self).map_or("saved", |(_, code, _)| code)
    }

    fn sentence(code: &str) -> Option<&'static str> {
        Self::ALL.into_iter().find(|(_, found, _)| *found == code).map(|(.., sentence)| sentence)
    }
}

/// An administrator at work.
#[derive(Clone)]
pub(super) struct Desk {
    /// Doorward.
    pub(super) app: App,
    /// The administrator as somebody who changes things.
    pub(super) actor: Actor,
    visitor: Arc<Visitor>,
    query: Parameters,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Administrator { visitor, actor } = Administrator::from_request_parts(parts, app).await?;
        let query = Parameters::parse(parts.uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
        Ok(Self { app: app.clone(), actor, visitor, query })
    }
}

impl Desk {
    /// A parameter of the address; empty if it is not there.
    pub(super) fn query(&self, name: &str) -> &str {
        self.query.get(name).unwrap_or_default()
    }

    /// A page, with the notice of what was done before.
    pub(super) fn page(&self, page: Page, mut context: Value) -> Response {
        if let Value::Object(context) = &mut context {
            context.insert("nav".to_owned(), json!(page.nav));
            context.insert("notice".to_owned(), json!(Done::sentence(self.query("done"))));
        }
        pages::page(&self.app, Some(&self.visitor), page.template, context)
    }

    /// A page with a form: refused with 422 if there are problems.
    pub(super) fn form(&self, page: Page, mut context: Value, problems: &Problems) -> Response {
        if problems.0.is_empty() {
            return self.page(page, context);
        }
        if let Value::Object(context) = &mut context {
            context.insert("errors".to_owned(), pages::errors(problems));
        }
        let mut response = self.page(page, context);
        // A page that could not be rendered keeps its own status.
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        }
        response
    }

    /// The answer, or the error page for what stood in its way.
    pub(super) fn settle(&self, result: OperationResult<Response>) -> Response {
        result.unwrap_or_else(|error| ErrorPage::operation(&error).render(&self.app, Some(&self.visitor)))
    }

    /// Sends the browser on to a page that says what was done.
    pub(super) fn done(path: &str, done: Done) -> Response {
        see_other(&format!("{path}?done={}", done.code()))
    }
}

/// Reads an identifier from an address.
///
/// # Errors
/// That there is no such thing, if it is not an identifier at all.
pub(super) fn id<T: FromStr>(kind: &'static str, text: &str) -> OperationResult<T> {
    text.parse().map_err(|_| OperationError::not_found(kind, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_has_a_code_of_its_own_and_nothing_else_has_a_sentence() {
        for (done, code, sentence) in Done::ALL {
            assert_eq!((done.code(), Done::sentence(code)), (code, Some(sentence)));
        }
        assert_eq!(Done::sentence("You have been hacked"), None);
        assert_eq!(Done::sentence(""), None);
    }
}
