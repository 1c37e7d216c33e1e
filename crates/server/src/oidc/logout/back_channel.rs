//! Delivering one note (OpenID Connect Back-Channel Logout 1.0, sections 2.5 and 2.8), and what becomes of it.

use axum::http::{StatusCode, header};
use bytes::Bytes;
use doorward_core::{clock::after, event::EventKind, provider::LogoutMethod, random};
use doorward_protocols::{jose::signer::TokenKind, oidc::logout_token::LogoutFacts};
use doorward_store::{self as store, logout_notice::LogoutNotice};
use futures::future::join_all;
use jiff::Timestamp;
use reqwest::Method;
use std::{sync::Arc, time::Duration};

use super::{GIVEN_UP_AFTER, RETRY_MAX, SILENCE, WHILE_WAITING};
use crate::{app::App, connector::queue::backoff, doctor::finding, events, outbound::Request, snapshot::Client};

/// Longest part of an answer that is shown, in characters.
const SHOWN_MAX: usize = 200;
/// Part of an answer that is looked at for that, in bytes.
const ANSWER_READ: usize = 2000;

/// Why an application was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It answered something else than 200 or 204.
    Refused(String),
    /// It did not answer.
    Silent(String),
}

impl Failure {
    fn text(&self) -> &str {
        match self {
            Self::Refused(text) | Self::Silent(text) => text,
        }
    }
}

/// Delivers the notes of a session that just ended, all at once, while the browser waits: [`WHILE_WAITING`] at most. What
/// did not arrive stays in the queue.
pub async fn deliver_now(app: &App, notices: &[LogoutNotice]) {
    join_all(notices.iter().map(|notice| process(app, notice, WHILE_WAITING))).await;
}

/// Delivers a claimed note and says in the queue what became of it.
pub async fn process(app: &App, notice: &LogoutNotice, timeout: Duration) {
    if let Err(error) = try_process(app, notice, timeout).await {
        // The lease ends, and it is tried again.
        tracing::error!(%error, "what became of a sign-out notice could not be written down");
    }
}

async fn try_process(app: &App, notice: &LogoutNotice, timeout: Duration) -> store::Result<()> {
    let client = app.snapshot().by_provider(notice.provider).cloned();
    let wants = |client: &Arc<Client>| {
        let profile = &client.provider.profile;
        !profile.logout_uri.is_empty() && profile.logout_method == LogoutMethod::Backchannel
    };
    // Removed, or no longer to be told.
    let Some(client) = client.filter(wants) else { return finish(app, notice).await };
    match deliver(app, &client, notice, timeout).await {
        Ok(()) => finish(app, notice).await,
        Err(failure) => failed(app, &client, notice, &failure).await,
    }
}

/// Posts a new logout token to the application.
///
/// # Errors
/// Why it was not taken.
pub async fn deliver(app: &App, client: &Client, notice: &LogoutNotice, timeout: Duration) -> Result<(), Failure> {
    let profile = &client.provider.profile;
    let refused = |text: String| Failure::Refused(text);
    let url = profile.logout_uri.parse().map_err(|error| refused(format!("the logout URI cannot be read: {error}")))?;
    let id = random::alphanumeric(40);
    let facts = LogoutFacts {
        issuer: &client.issuer,
        client_id: &profile.client_id,
        subject: &notice.subject,
        sid: &notice.sid,
        id: &id,
        now: app.clock.now(),
    };
    let signed = client.signer.sign(TokenKind::LogoutToken, &facts.claims());
    let token = signed.map_err(|error| refused(format!("the logout token could not be signed: {error}")))?;
    // Letters, digits, hyphens, underscores and dots: nothing to encode.
    let body = Bytes::from(format!("logout_token={token}"));
    let request = Request { body, timeout, ..Request::new(Method::POST, url) }
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    let answer = app.outbound.send(request).await.map_err(|error| Failure::Silent(error.to_string()))?;
    match answer.status {
        StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
        status if status.is_redirection() => {
            Err(refused(format!("it answered {status}, which is not followed: enter the address where it leads to")))
        }
        status => {
            let said = finding::clean(
                &String::from_utf8_lossy(answer.body.get(..ANSWER_READ).unwrap_or(&answer.body)),
                SHOWN_MAX,
            );
            Err(refused(if said.is_empty() {
                format!("it answered {status}")
            } else {
                format!("it answered {status}: {said}")
            }))
        }
    }
}

/// A try that failed: the note waits, longer each time, until it is given up.
async fn failed(app: &App, client: &Client, notice: &LogoutNotice, failure: &Failure) -> store::Result<()> {
    let now = app.clock.now();
    if let Failure::Silent(_) = failure {
        postpone(app, notice, now).await?;
    }
    let is_last = now.duration_since(notice.created_at) >= GIVEN_UP_AFTER;
    let due_at = after(now, backoff(notice.attempts + 1, RETRY_MAX));
    let (kept, text) = (notice.clone(), failure.text().to_owned());
    let held = app.db.write(move |tx| {
        Box::pin(async move {
            if is_last {
                store::logout_notice::finish(tx, &kept).await
            } else {
                store::logout_notice::put_back(tx, &kept, due_at, &text).await
            }
        })
    });
    // Said when it fails for the first time and when it is given up; and not by one whose claim has run out.
    if held.await? && (is_last || notice.attempts == 0) {
        let what = if is_last { "Nobody tries any more." } else { "It is tried again for a day." };
        let name = &client.application.profile.name;
        let uri = &client.provider.profile.logout_uri;
        let text = format!("{name} could not be told of a sign-out at {uri}: {}. {what}", failure.text());
        let mut entry = events::Entry::new(EventKind::LogoutFailed, text);
        entry.user = Some(notice.user);
        entry.application = Some(client.application.id);
        events::write(app, entry).await;
    }
    Ok(())
}

async fn postpone(app: &App, notice: &LogoutNotice, now: Timestamp) -> store::Result<()> {
    let (provider, until) = (notice.provider, after(now, SILENCE));
    let write =
        app.db.write(move |tx| Box::pin(async move { store::logout_notice::postpone(tx, provider, now, until).await }));
    write.await.map(|_| ())
}

async fn finish(app: &App, notice: &LogoutNotice) -> store::Result<()> {
    let notice = notice.clone();
    let write =
        app.db.write(move |tx| Box::pin(async move { store::logout_notice::finish(tx, &notice).await.map(|_| ()) }));
    write.await
}
