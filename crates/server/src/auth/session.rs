//! Sessions: begun by signing in, ended by signing out, by time, or by disabling the user.

use doorward_core::{
    cipher::sha256_hex,
    event::EventKind,
    id::{SessionId, UserId},
    random,
    session::{Method, Session},
    timeline::StepKind,
};
use doorward_store as store;

use super::password::Verified;
use crate::{
    app::App,
    events,
    http::visitor::Visitor,
    timeline::{StepDraft, Trail},
};

/// Longest part of a browser's name that is kept, in characters.
const USER_AGENT_MAX: usize = 200;

/// Begins a session for somebody who just showed who they are, or renews theirs, and returns the new cookie. Always a new
/// cookie: a session that somebody else planted is not taken over. `None` if the password was changed, the account
/// disabled or an authenticator app set up while it was checked.
///
/// # Errors
/// What the database says.
pub async fn begin(
    app: &App,
    visitor: &Visitor,
    verified: &Verified,
    trail: Option<&Trail>,
) -> store::Result<Option<String>> {
    let Verified { user, hash, methods } = verified.clone();
    let now = app.clock.now();
    let token = random::alphanumeric(43);
    let token_hash = sha256_hex(token.as_bytes());
    let renewed = visitor.signed_in.as_ref().filter(|signed_in| signed_in.user.id == user.id);
    let previous = visitor.signed_in.as_ref().map(|signed_in| signed_in.session.id);
    let session = Session {
        id: renewed.map_or_else(|| SessionId::new(&app.clock), |signed_in| signed_in.session.id),
        user: user.id,
        authenticated_at: now,
        methods: methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(" "),
        created_at: now,
        expires_at: now.saturating_add(app.config.session_lifetime).unwrap_or(now),
        address: visitor.address.to_string(),
        user_agent: visitor.user_agent.chars().take(USER_AGENT_MAX).collect(),
    };
    let event = {
        let mut entry = events::Entry::new(EventKind::SignIn, format!("{} signed in", user.profile.username));
        entry.user = Some(user.id);
        entry.address = visitor.address.to_string();
        if let Some(trail) = trail {
            entry.reference = trail.reference();
        }
        entry.event(app)
    };
    let step = StepDraft::good(StepKind::SignedIn, format!("{} signed in", user.profile.username))
        .with("by", session.methods.replace(' ', ", "));
    let trail = trail.map(|trail| trail.clone().by_user(&user));
    let is_renewed = renewed.is_some();
    let begun = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let is_whole = methods.contains(&Method::Code) || !store::authenticator::exists(tx, user.id).await?;
                let is_current = is_whole
                    && store::user::is_still_active(tx, user.id).await?
                    && match &hash {
                        Some(hash) => store::credential::is_still(tx, user.id, hash).await?,
                        None => true,
                    };
                if !is_current {
                    return Ok(None);
                }
                if is_renewed && store::session::reauthenticate(tx, &session, &token_hash).await? {
                    store::event::insert(tx, &event).await?;
                    return Ok(Some(token));
                }
                if let Some(previous) = previous {
                    end_in(tx, previous, now).await?;
                }
                store::session::insert(tx, &session, &token_hash).await?;
                store::event::insert(tx, &event).await?;
                Ok(Some(token))
            })
        })
        .await?;
    if let (Some(_), Some(trail)) = (&begun, &trail) {
        app.timeline.note(trail, step);
    }
    Ok(begun)
}

/// Ends a session, with the grants that were not meant to outlive it.
///
/// # Errors
/// What the database says.
pub async fn end(app: &App, session: SessionId) -> store::Result<bool> {
    let now = app.clock.now();
    app.db.write(move |tx| Box::pin(end_in(tx, session, now))).await
}

async fn end_in(tx: &mut store::db::Tx<'_>, session: SessionId, now: jiff::Timestamp) -> store::Result<bool> {
    // The session first: whoever issues something for it holds its row, and is waited for.
    let was_there = store::session::delete(tx, session).await?;
    store::grant::revoke_of_session(tx, session, now).await?;
    Ok(was_there)
}

/// Ends everything a user has: sessions, grants and so all tokens. Part of the change that calls for it.
///
/// # Errors
/// What the database says.
pub(crate) async fn end_all_of(tx: &mut store::db::Tx<'_>, user: UserId, now: jiff::Timestamp) -> store::Result<()> {
    store::session::delete_of_user(tx, user).await?;
    store::grant::revoke_of_user(tx, user, now).await?;
    Ok(())
}

/// The session's public name in tokens (`sid`): tells nothing about the cookie.
pub fn sid(session: SessionId) -> String {
    sha256_hex(session.to_string().as_bytes())
}
