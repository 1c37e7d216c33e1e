//! Finding the device whose code somebody typed, and allowing or denying it (RFC 8628, section 3.3).

use doorward_core::{
    clock::after,
    event::EventKind,
    grant_type::GrantType,
    id::GrantId,
    timeline::{AttemptMethod, Details, StepKind},
};
use doorward_protocols::oauth::{
    device_code::read_user_code,
    token::{join, words},
};
use doorward_store::{self as store, device_code::DeviceCode, grant::Grant};
use jiff::SignedDuration;
use std::{collections::BTreeSet, sync::Arc};

use super::{
    device_authorization::user_code_hash,
    device_limits::{self, TooMany},
};
use crate::{
    app::App,
    events,
    http::visitor::{SignedIn, Visitor},
    snapshot::Client,
    timeline::{StepDraft, Trail, access_text},
};

/// How long a device is remembered past its end: it is told that it came too late, and a second use is noticed.
pub const MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// A device that waits, and its application.
#[derive(Debug)]
pub struct Waiting {
    /// The device.
    pub device: DeviceCode,
    /// The application.
    pub client: Arc<Client>,
}

impl Waiting {
    /// The scopes it asked for that the application may still ask for (CVE-2024-52287).
    pub fn scopes(&self) -> BTreeSet<String> {
        words(&self.device.scopes).intersection(&self.client.scopes).cloned().collect()
    }

    /// Its trail, in the browser of whoever decides. What was asked is written with the first step.
    pub fn trail(&self, visitor: &Visitor) -> Trail {
        let profile = &self.client.application.profile;
        let details = Details::from([
            ("client_id".to_owned(), self.client.provider.profile.client_id.clone()),
            ("scope".to_owned(), self.device.scopes.clone()),
            ("from".to_owned(), self.device.address.clone()),
        ]);
        let text = format!("{} asked for a sign-in on a device at {}", profile.name, self.device.address);
        let trail = Trail::of(self.device.attempt, AttemptMethod::Device).to(&self.client.application);
        trail.in_browser(visitor).asked(text, details)
    }
}

/// What came of a typed code.
#[derive(Debug)]
pub enum Typed {
    /// It is a device's.
    Found(Box<Waiting>),
    /// It cannot be a code, so it is no guess either.
    NoCode,
    /// No device waits with it, or not any more.
    Wrong,
    /// There were too many wrong ones.
    TooMany(TooMany),
}

/// Looks for the device with a code that somebody typed. Counted before it is looked at.
///
/// # Errors
/// What the database says.
pub async fn find(app: &App, visitor: &Visitor, signed_in: &SignedIn, typed: &str) -> store::Result<Typed> {
    let Some(code) = read_user_code(typed) else { return Ok(Typed::NoCode) };
    let (user, address) = (signed_in.user.id, visitor.address);
    if let Some(limit) = device_limits::count_typed(app, user, address).await? {
        note_wrong(app, visitor, signed_in, &format!("too many {}", limit.what)).await;
        return Ok(Typed::TooMany(limit));
    }
    let hash = user_code_hash(app, &code);
    let found =
        app.db.read(move |tx| Box::pin(async move { store::device_code::find_by_user_code(tx, &hash).await })).await?;
    let Some(waiting) = found.and_then(|device| waiting(app, device)) else {
        note_wrong(app, visitor, signed_in, "no device waits with that code").await;
        return Ok(Typed::Wrong);
    };
    device_limits::was_right(app, user, address).await?;
    Ok(Typed::Found(Box::new(waiting)))
}

/// The device that somebody was asked about, if it still waits.
///
/// # Errors
/// What the database says.
pub async fn find_again(app: &App, hash: &str) -> store::Result<Option<Waiting>> {
    let hash = hash.to_owned();
    let found = app.db.read(move |tx| Box::pin(async move { store::device_code::find(tx, &hash).await })).await?;
    Ok(found.and_then(|device| waiting(app, device)))
}

/// A device that nobody decided about, in time, of an application that may still have devices.
fn waiting(app: &App, device: DeviceCode) -> Option<Waiting> {
    let client = app.snapshot().by_provider(device.provider)?.clone();
    let may = client.provider.profile.grant_types.contains(&GrantType::DeviceCode);
    let is_waiting = device.decided_at.is_none() && device.expires_at > app.clock.now();
    (may && is_waiting).then_some(Waiting { device, client })
}

async fn note_wrong(app: &App, visitor: &Visitor, signed_in: &SignedIn, why: &str) {
    let text = format!("{} typed the code of a device: {why}", signed_in.user.profile.username);
    let mut entry = events::Entry::new(EventKind::AuthorizationFailed, text);
    entry.user = Some(signed_in.user.id);
    entry.address = visitor.address.to_string();
    events::write(app, entry).await;
}

/// What came of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It counts.
    Done,
    /// Somebody else decided before, or the time was over.
    TooLate,
    /// The session ended meanwhile.
    SignedOut,
}

/// Allows a device: makes the grant whose tokens it can fetch. It hangs on no session, since a device outlives the browser
/// in which it was allowed; whether the person is active is looked at whenever it gets anything. The caller has just looked
/// at the access rule.
///
/// # Errors
/// What the database says.
pub async fn allow(app: &App, waiting: &Waiting, signed_in: &SignedIn, trail: &Trail) -> store::Result<Decided> {
    let (device, client) = (&waiting.device, &waiting.client);
    let (now, session) = (app.clock.now(), &signed_in.session);
    let grant = Grant {
        id: GrantId::new(&app.clock),
        provider: client.provider.id,
        user: signed_in.user.id,
        session: None,
        sid: String::new(),
        scopes: join(&waiting.scopes()),
        authenticated_at: session.authenticated_at,
        methods: session.methods.clone(),
        created_at: now,
        expires_at: after(device.expires_at, MEMORY),
        revoked_at: None,
        attempt: Some(device.attempt),
        claims: None,
    };
    let (username, name) = (&signed_in.user.profile.username, &client.application.profile.name);
    let text = format!("{username} allowed a device at {} to sign in to {name}", device.address);
    let mut entry = events::Entry::new(EventKind::Authorized, text.clone());
    entry.user = Some(signed_in.user.id);
    entry.application = Some(client.application.id);
    entry.address.clone_from(&trail.attempt().address);
    entry.reference = trail.reference();
    let (event, hash, user, session) = (entry.event(app), device.hash.clone(), signed_in.user.id, session.id);
    let decided = app.db.write(move |tx| {
        Box::pin(async move {
            if !store::session::is_still_alive(tx, session, now).await? {
                return Ok(Decided::SignedOut);
            }
            if !store::device_code::decide(tx, &hash, user, now).await? {
                return Ok(Decided::TooLate);
            }
            store::grant::insert(tx, &grant).await?;
            store::device_code::allow(tx, &hash, grant.id).await?;
            store::event::insert(tx, &event).await?;
            Ok(Decided::Done)
        })
    });
    let decided = decided.await?;
    if decided == Decided::Done {
        let rule = access_text(&app.snapshot(), &client.application, &signed_in.person, true);
        app.timeline.note(trail, StepDraft::good(StepKind::Access, rule));
        let allowed = StepDraft::good(StepKind::Consent, text).with("scopes", join(&waiting.scopes()));
        app.timeline.note(trail, allowed);
    }
    Ok(decided)
}

/// Denies a device.
///
/// # Errors
/// What the database says.
pub async fn deny(app: &App, waiting: &Waiting, signed_in: &SignedIn, trail: &Trail) -> store::Result<Decided> {
    let (hash, user, session) = (waiting.device.hash.clone(), signed_in.user.id, signed_in.session.id);
    let now = app.clock.now();
    let decided = app.db.write(move |tx| {
        Box::pin(async move {
            if !store::session::is_still_alive(tx, session, now).await? {
                return Ok(Decided::SignedOut);
            }
            let is_first = store::device_code::decide(tx, &hash, user, now).await?;
            Ok(if is_first { Decided::Done } else { Decided::TooLate })
        })
    });
    let decided = decided.await?;
    if decided == Decided::Done {
        let (username, device) = (&signed_in.user.profile.username, &waiting.device);
        let text = format!("{username} denied the device at {}", device.address);
        let name = &waiting.client.application.profile.name;
        let mut entry = events::Entry::new(EventKind::AuthorizationFailed, format!("{name}: {text}"));
        entry.user = Some(signed_in.user.id);
        entry.application = Some(waiting.client.application.id);
        entry.address.clone_from(&trail.attempt().address);
        events::write(app, entry.on(trail, StepDraft::refused(StepKind::Consent, text))).await;
    }
    Ok(decided)
}
