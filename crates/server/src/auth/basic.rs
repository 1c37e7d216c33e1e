//! Sign-in where only a name and a password can be given: an LDAP bind now, HTTP Basic later. Underneath it is the same
//! as the sign-in form; beside passwords it takes app passwords, and `password;123456` where the application allows it.

use doorward_core::{
    access_rule::AccessRule,
    application::Application,
    authenticator::{Authenticator, split_code},
    event::EventKind,
    id::{AppPasswordId, ApplicationId, UserId},
    ldap_provider::LdapProvider,
    network::Place,
    secret::Secret,
    timeline::{AttemptMethod, StepKind},
    user::{User, UserType},
};
use doorward_store as store;
use std::net::IpAddr;

pub use super::attempt::SignInError;
use super::{
    account::Account,
    attempt::{self, Trace},
    authenticator::{self, Verdict},
    noted::NOTED,
    throttle,
};
use crate::{
    app::App,
    applications::access::{self, NoAccess},
    connector,
    snapshot::Snapshot,
    timeline::{StepDraft, Trail},
};

/// Who signs in.
#[derive(Debug, Clone)]
pub enum Who {
    /// A name as typed: a username, or a verified e-mail address, as in the form.
    Named(String),
    /// A username and nothing else: what a DN is made of.
    Username(String),
    /// A user already found by what stands for them, such as a DN.
    User(UserId),
}

/// A name and a password, and where they came from.
#[derive(Debug, Clone)]
pub struct BasicAttempt {
    /// Who.
    pub who: Who,
    /// Password, app password, or password and code.
    pub password: Secret<String>,
    /// Address of the client.
    pub address: IpAddr,
    /// Whether that is where the person is: an LDAP client is the application itself.
    pub place: Place,
    /// The application that is signed in to.
    pub application: ApplicationId,
    /// Whether it takes `password;123456` from people with an authenticator app.
    pub code_in_password: bool,
    /// By what, for the activity log: `LDAP`.
    pub how: &'static str,
}

/// By what somebody showed who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Their password, with a code if they have an authenticator app.
    Password,
    /// An app password.
    AppPassword(AppPasswordId),
}

/// Somebody who showed who they are, and who may use the application.
#[derive(Debug, Clone)]
pub struct Basic {
    /// Who.
    pub user: User,
    /// By what.
    pub by: By,
    /// The hash that the password matched, if it was one: whoever stays signed in is so as long as it is theirs.
    pub hash: Option<String>,
    /// Whether the code of an authenticator app came with the password.
    pub with_code: bool,
}

/// Which passwords are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// A person's own, and app passwords.
    Any,
    /// App passwords only: what somebody types elsewhere is not even looked at.
    AppPasswords,
}

/// By what scripts get tokens, for the activity log.
pub(crate) const CLIENT_CREDENTIALS: &str = "client credentials";

/// As [`verify`], for what must never be given a person's own password: only app passwords are right.
///
/// # Errors
/// As [`verify`].
pub async fn verify_app_password(app: &App, attempt: BasicAttempt) -> Result<Basic, SignInError> {
    verify_one_of(app, attempt, Takes::AppPasswords).await
}

/// Checks a name and a password for an application, and that its access rule lets the user in. Every attempt is counted
/// before it is looked at, as in the form; only what is known to be right already (a good app password, a warm
/// credential) is let through without, as long as no limit is reached.
///
/// # Errors
/// Why not. Unknown names, wrong passwords, wrong and missing codes are all [`SignInError::Wrong`];
/// [`SignInError::Disabled`] and [`SignInError::NotAllowed`] come only after the right password.
pub async fn verify(app: &App, attempt: BasicAttempt) -> Result<Basic, SignInError> {
    verify_one_of(app, attempt, Takes::Any).await
}

async fn verify_one_of(app: &App, attempt: BasicAttempt, takes: Takes) -> Result<Basic, SignInError> {
    let snapshot = app.snapshot();
    let target = Target::find(&snapshot, attempt.application);
    let with_groups = target.as_ref().is_some_and(Target::asks_for_groups);
    let account = Account::find(app, &attempt, with_groups).await?;
    let trace = Trace {
        user: account.user.as_ref().map(|user| (user.id, user.profile.username.clone())),
        address: attempt.address,
        by: Some((attempt.application, attempt.how)),
        trail: Some(trail(app, &attempt, &account, target.as_ref())),
    };
    let basic = if let Some(known) = known(app, &attempt, &account, takes) {
        known
    } else {
        attempt::count(app, &trace, &account.counters).await?;
        let checked = check(app, &trace, &attempt, &account, takes).await?;
        throttle::forget(app, &account.counters).await?;
        checked
    };
    let allowed = target.ok_or(NoAccess::Rule).and_then(|target| {
        target.check(&snapshot, &basic.user, &account, attempt.place)?;
        Ok(target)
    });
    let target = match allowed {
        Ok(target) => target,
        Err(why) => {
            let (username, how) = (&basic.user.profile.username, attempt.how);
            let text = format!("{username} signed in by {how} but may not use the application: {why}");
            let step = StepDraft::refused(StepKind::Access, why.to_string());
            let reference = trace.write(app, EventKind::AuthorizationFailed, text, step).await;
            return Err(SignInError::NotAllowed { reference });
        }
    };
    note(app, &trace, &attempt, &account, &target.application.profile.name).await;
    Ok(basic)
}

/// A bind is an attempt by itself.
fn trail(app: &App, attempt: &BasicAttempt, account: &Account, target: Option<&Target<'_>>) -> Trail {
    let method = match attempt.how {
        "LDAP" => AttemptMethod::Ldap,
        CLIENT_CREDENTIALS => AttemptMethod::Oidc,
        _ => AttemptMethod::Proxy,
    };
    let trail = Trail::begin(app, method).from(attempt.address);
    let trail = target.map_or(trail.clone(), |target| trail.to(target.application));
    account.user.as_ref().map_or(trail.clone(), |user| trail.by_user(user))
}

/// Somebody whose password needs neither a slow hash nor a counter, because it is known to be right.
fn known(app: &App, attempt: &BasicAttempt, account: &Account, takes: Takes) -> Option<Basic> {
    let now = app.clock.now();
    let user = account.user.as_ref().filter(|user| user.profile.is_active)?;
    // Nobody guesses 40 random letters, so no limit holds them up: otherwise whoever types a service account's name into
    // an application's sign-in form often enough would shut out the application.
    if let Some(password) = account.good_app_password(attempt.application, now) {
        return Some(Basic::by_app_password(user, password.id));
    }
    if takes == Takes::AppPasswords {
        return None;
    }
    // With an authenticator app every attempt is counted: the code has to be looked at.
    let hash = account.hash.as_ref().filter(|_| account.authenticator.is_none() && !account.is_throttled)?;
    app.warm.matches(user.id, hash, &attempt.password, now).then(|| Basic::by_password(user.clone(), hash.clone()))
}

/// Checks a counted attempt.
async fn check(
    app: &App,
    trace: &Trace,
    attempt: &BasicAttempt,
    account: &Account,
    takes: Takes,
) -> Result<Basic, SignInError> {
    if let Some(user) = &account.user {
        if let Some(password) = account.good_app_password(attempt.application, app.clock.now()) {
            attempt::check_active(app, trace, user).await?;
            return Ok(Basic::by_app_password(user, password.id));
        }
        if let Some(password) = &account.app_password {
            let why = format!("the app password \"{}\" has expired or is for another application", password.name);
            return Err(attempt::refuse(app, trace, &attempt.password, &why).await);
        }
        if user.profile.user_type == UserType::ServiceAccount {
            let why = "a service account signs in by app password only, and this is none of its own";
            return Err(attempt::refuse(app, trace, &attempt.password, why).await);
        }
        if takes == Takes::AppPasswords {
            let why = "only app passwords are taken here, never a person's own, and this is none of theirs";
            return Err(attempt::refuse(app, trace, &attempt.password, why).await);
        }
        if let Some(authenticator) = &account.authenticator {
            return check_with_code(app, trace, attempt, account, authenticator).await;
        }
    }
    let found = (account.user.clone(), account.hash.clone());
    let (user, hash) = attempt::check_password(app, trace, found, &attempt.password).await?;
    app.warm.remember(user.id, &hash, &attempt.password, app.clock.now());
    Ok(Basic::by_password(user, hash))
}

/// Checks `password;123456`. The code is looked at only after the right password, and is used up by it.
async fn check_with_code(
    app: &App,
    trace: &Trace,
    attempt: &BasicAttempt,
    account: &Account,
    authenticator: &Authenticator,
) -> Result<Basic, SignInError> {
    let parts = split_code(attempt.password.expose()).filter(|_| attempt.code_in_password);
    let Some((password, code)) = parts else {
        let why = if attempt.code_in_password {
            "they have an authenticator app; its code has to follow the password, as in password;123456, or an app \
             password has to be used"
        } else {
            "they have an authenticator app, and this application takes no codes; an app password has to be used"
        };
        return Err(attempt::refuse(app, trace, &attempt.password, why).await);
    };
    let (password, now) = (Secret::from(password), app.clock.now());
    let known = account.user.clone().zip(account.hash.clone());
    let warm = known.filter(|(user, hash)| user.profile.is_active && app.warm.matches(user.id, hash, &password, now));
    let is_warm = warm.is_some();
    let (user, hash) = if let Some(warm) = warm {
        warm
    } else {
        let found = (account.user.clone(), account.hash.clone());
        match attempt::check_password(app, trace, found, &password).await {
            Ok(right) => right,
            Err(error) => {
                // Behind a right password a code is counted; without as much work here the time would tell.
                throttle::waste_code(app).await?;
                return Err(error);
            }
        }
    };
    let why = match authenticator::consume(app, authenticator, code).await? {
        Verdict::Right => None,
        Verdict::Wrong => Some(attempt::WRONG_CODE),
        // Said to the log only: that there were too many codes would tell that the password was right.
        Verdict::TooMany(_) => Some(attempt::TOO_MANY_CODES),
    };
    if let Some(why) = why {
        if is_warm {
            // A quick no would tell it, too.
            attempt::waste(app, &password).await;
        }
        return Err(SignInError::Wrong { reference: trace.failed(app, why).await });
    }
    if !is_warm {
        app.warm.remember(user.id, &hash, &password, now);
    }
    Ok(Basic { with_code: true, ..Basic::by_password(user, hash) })
}

impl Basic {
    fn by_password(user: User, hash: String) -> Self {
        Self { user, by: By::Password, hash: Some(hash), with_code: false }
    }

    fn by_app_password(user: &User, id: AppPasswordId) -> Self {
        Self { user: user.clone(), by: By::AppPassword(id), hash: None, with_code: false }
    }
}

/// The application that is signed in to.
struct Target<'s> {
    application: &'s Application,
    ldap: Option<&'s LdapProvider>,
}

impl<'s> Target<'s> {
    fn find(snapshot: &'s Snapshot, id: ApplicationId) -> Option<Self> {
        let application = snapshot.application_by_id(id)?;
        let ldap = snapshot.ldap.iter().find(|client| client.application.id == id).map(|client| &client.provider);
        Some(Self { application, ldap })
    }

    fn asks_for_groups(&self) -> bool {
        matches!(&self.application.profile.access, AccessRule::Only { groups, .. } if !groups.is_empty())
    }

    /// Whether somebody may use it: by its access rule, or because they read the directory for it.
    fn check(&self, snapshot: &Snapshot, user: &User, account: &Account, place: Place) -> Result<(), NoAccess> {
        let profile = &self.application.profile;
        let is_searcher = self.ldap.is_some_and(|provider| provider.profile.searchers.contains(&user.id));
        let groups = snapshot.groups.effective(account.groups.iter().copied());
        if !is_searcher && !profile.access.allows(user.id, &groups) {
            return Err(NoAccess::Rule);
        }
        access::check_place(&profile.networks, place)
    }
}

/// Writes a success down, at most once an hour: clients that bind for every request would do nothing else. What cannot
/// be written stops nobody.
async fn note(app: &App, trace: &Trace, attempt: &BasicAttempt, account: &Account, application: &str) {
    let now = app.clock.now();
    let app_password = account.good_app_password(attempt.application, now);
    if let Some(password) = app_password
        && password.last_used_at.is_none_or(|last| now.duration_since(last) >= NOTED)
    {
        let id = password.id;
        let written = app.db.write(move |tx| Box::pin(store::app_password::touch(tx, id, now))).await;
        if let Err(error) = written {
            tracing::error!(%error, "the use of an app password could not be written down");
        }
    }
    let Some((user, username)) = &trace.user else { return };
    if app.noted.is_new(*user, attempt.application, attempt.address, now) {
        let by = app_password.map(|password| format!(" with the app password \"{}\"", password.name));
        let (how, by) = (attempt.how, by.unwrap_or_default());
        let text = format!("{username} signed in to {application} by {how}{by}");
        let step = StepDraft::good(StepKind::Bind, text.clone());
        trace.write(app, EventKind::SignIn, text, step).await;
        if let Some(user) = &account.user {
            connector::queue::seen(app, attempt.application, user).await;
        }
    }
}
