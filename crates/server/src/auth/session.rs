//! Sessions: begun by signing in, ended by signing out, by time, or by disabling the user.

use doorward_core::{
    cipher::sha256_hex,
    clock::{Clock, after},
    event::EventKind,
    id::{LogoutNoticeId, SessionId, UserId},
    random,
    session::{Method, Session},
    timeline::StepKind,
};
use doorward_store::{self as store, logout_notice::LogoutNotice, session_client::SessionClient};
use jiff::Timestamp;

use super::password::Verified;
use crate::{
    app::App,
    events,
    http::visitor::Visitor,
    oidc::logout,
    timeline::{StepDraft, Trail},
};

/// Longest part of a browser's name that is kept, in characters.
const USER_AGENT_MAX: usize = 200;
/// Most sessions of a user. The next sign-in ends the one in which they showed longest ago who they are.
pub const PER_USER: i64 = 1_000;
/// How many are ended at a time, where there are more from before.
const AT_A_TIME: i64 = 10;

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
        entry.bounded_event(app)
    };
    let step = StepDraft::good(StepKind::SignedIn, format!("{} signed in", user.profile.username))
        .with("by", session.methods.replace(' ', ", "));
    let trail = trail.map(|trail| trail.clone().by_user(&user));
    let is_renewed = renewed.is_some();
    let clock = app.clock.clone();
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
                    store::session_client::extend(tx, session.id, session.expires_at).await?;
                    store::event::insert_any(tx, event.as_ref()).await?;
                    return Ok(Some(token));
                }
                if let Some(previous) = previous {
                    end_in(tx, previous, &clock, None).await?;
                }
                // What has ended stays so: applications were told that its name means nobody any more.
                let id = if is_renewed { SessionId::new(&clock) } else { session.id };
                store::session::insert(tx, &Session { id, ..session }, &token_hash).await?;
                for oldest in store::session::beyond(tx, user.id, PER_USER, AT_A_TIME).await? {
                    end_in(tx, oldest, &clock, None).await?;
                }
                store::event::insert_any(tx, event.as_ref()).await?;
                Ok(Some(token))
            })
        })
        .await?;
    if let (Some(_), Some(trail)) = (&begun, &trail) {
        app.timeline.note(trail, step);
    }
    Ok(begun)
}

/// What a session leaves behind when it ends.
#[derive(Debug, Default)]
pub struct Ended {
    /// Whether there was one.
    pub was_there: bool,
    /// The applications it had signed in to, of those that want to know.
    pub clients: Vec<SessionClient>,
    /// The notes to those that Doorward tells itself.
    pub notices: Vec<LogoutNotice>,
}

/// Ends a session, with the grants that were not meant to outlive it. Applications are told in the background.
///
/// # Errors
/// What the database says.
pub async fn end(app: &App, session: SessionId) -> store::Result<bool> {
    let clock = app.clock.clone();
    Ok(app.db.write(move |tx| Box::pin(async move { end_in(tx, session, &clock, None).await })).await?.was_there)
}

/// Ends all sessions of a user in the same way, together. Says how many there were.
///
/// # Errors
/// What the database says.
pub async fn end_of_user(app: &App, user: UserId) -> store::Result<usize> {
    let clock = app.clock.clone();
    let write = app.db.write(move |tx| {
        Box::pin(async move {
            let mut ended = 0;
            for session in store::session::all_of_user(tx, user, clock.now()).await? {
                // Whoever ended one meanwhile has told the applications.
                ended += usize::from(end_in(tx, session.id, &clock, None).await?.was_there);
            }
            Ok(ended)
        })
    });
    write.await
}

/// Ends a session whose browser waits: the notes to applications are the caller's to deliver until the lease ends.
///
/// # Errors
/// What the database says.
pub async fn end_here(app: &App, session: SessionId) -> store::Result<Ended> {
    let clock = app.clock.clone();
    let lease = Some(after(clock.now(), logout::LEASE));
    app.db.write(move |tx| Box::pin(async move { end_in(tx, session, &clock, lease).await })).await
}

async fn end_in(
    tx: &mut store::db::Tx<'_>,
    session: SessionId,
    clock: &Clock,
    lease: Option<Timestamp>,
) -> store::Result<Ended> {
    // The session first: whoever issues something for it holds its row, and is waited for.
    let was_there = store::session::delete(tx, session).await?;
    store::grant::revoke_of_session(tx, session, clock.now()).await?;
    let clients = store::session_client::take_of_session(tx, session).await?;
    let notices = keep_notices(tx, &clients, clock, lease).await?;
    Ok(Ended { was_there, clients, notices })
}

/// Ends everything a user has: sessions, grants and so all tokens. Part of the change that calls for it.
///
/// # Errors
/// What the database says.
pub(crate) async fn end_all_of(tx: &mut store::db::Tx<'_>, user: UserId, clock: &Clock) -> store::Result<()> {
    store::session::delete_of_user(tx, user).await?;
    store::grant::revoke_of_user(tx, user, clock.now()).await?;
    let clients = store::session_client::take_of_user(tx, user).await?;
    keep_notices(tx, &clients, clock, None).await?;
    Ok(())
}

/// Keeps a note for every application that Doorward tells itself.
async fn keep_notices(
    tx: &mut store::db::Tx<'_>,
    clients: &[SessionClient],
    clock: &Clock,
    lease: Option<Timestamp>,
) -> store::Result<Vec<LogoutNotice>> {
    let now = clock.now();
    let mut notices = Vec::new();
    for client in clients {
        if !store::logout_notice::is_wanted(tx, client.provider).await? {
            continue;
        }
        let notice = LogoutNotice {
            id: LogoutNoticeId::new(clock),
            provider: client.provider,
            user: client.user,
            subject: client.subject.clone(),
            sid: sid(client.session),
            created_at: now,
            due_at: now,
            attempts: 0,
            leased_until: lease,
            last_error: String::new(),
        };
        store::logout_notice::insert(tx, &notice).await?;
        notices.push(notice);
    }
    Ok(notices)
}

/// The session's public name in tokens (`sid`): tells nothing about the cookie.
pub fn sid(session: SessionId) -> String {
    sha256_hex(session.to_string().as_bytes())
}
