//! Password Modify (RFC 3062): people for themselves, administrators for others.

use doorward_core::{id::UserId, random, secret::Secret};
use doorward_protocols::ldap::{
    dn,
    extended::{self, generated_password},
    result::ResultCode,
};
use std::net::IpAddr;

use super::{
    answers::Answer,
    bind::{self, Proof},
    names::{Kind, Place},
    session::{Present, Session},
};
use crate::{
    actor::Actor,
    app::App,
    auth::basic::{self, BasicAttempt, By, Who},
    directory::users,
    error::OperationError,
};

/// Length of a password that is made up here.
const MADE_UP: usize = 20;

/// Sets a password. Answers with the new one if it was made up here.
pub(super) async fn password_modify(
    app: &App,
    address: IpAddr,
    session: &Session,
    present: &Present,
    value: Option<&[u8]>,
) -> (Answer, Option<Vec<u8>>) {
    match modify(app, address, session, present, value).await {
        Ok(made_up) => (Answer::success(), made_up),
        Err(answer) => (answer, None),
    }
}

async fn modify(
    app: &App,
    address: IpAddr,
    session: &Session,
    present: &Present,
    value: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, Answer> {
    let request = extended::password_modify(value)
        .map_err(|error| Answer::new(ResultCode::ProtocolError, format!("the request cannot be read: {error}")))?;
    let target = target(app, present, request.user)?;
    let is_own = target == present.person.id;
    match request.old {
        Some(old) if is_own => check_old(app, address, present, old).await?,
        Some(_) => return Err(unwilling("the old password is asked of the person themselves only")),
        // An app password is for one application: it does not hand over the account.
        None if session.bound().is_none_or(|bound| matches!(bound.proof, Proof::AppPassword(_))) => {
            return Err(unwilling("bind with the password itself, not with an app password, or give the old password"));
        }
        None => {}
    }
    let is_superuser = present.view.is_superuser(&present.person);
    if !is_own && !is_superuser {
        return Err(Answer::new(ResultCode::InsufficientAccessRights, "only administrators set others' passwords"));
    }
    let (new, made_up) = if let Some(new) = request.new {
        (text(new)?, None)
    } else {
        let new = random::alphanumeric(MADE_UP);
        let answer = generated_password(&new);
        (new, Some(answer))
    };
    let actor = Actor {
        user: Some(present.person.id),
        name: present.person.username.to_string(),
        address: address.to_string(),
        is_superuser,
    };
    users::set_password(app, &actor, target, &new).await.map_err(explain)?;
    Ok(made_up)
}

/// Whose password: the reader's own unless a DN or username says otherwise.
fn target(app: &App, present: &Present, user: Option<&[u8]>) -> Result<UserId, Answer> {
    let Some(user) = user.filter(|user| !user.is_empty()) else { return Ok(present.person.id) };
    let user = text(user)?;
    let name = match dn::parse(user.as_bytes()) {
        Ok(dn) if user.contains('=') => match present.view.names().place(&dn) {
            Some(Place::Entry(Kind::User, name)) => name,
            _ => return Err(Answer::new(ResultCode::NoSuchObject, "the DN is not that of a user")),
        },
        _ => dn::normalize_value(user.strip_prefix("u:").unwrap_or(&user)),
    };
    let found = app.directory.people().by_username(&name).map(|person| person.id);
    let visible = |id: &UserId| present.view.shows_user(*id) || present.view.is_superuser(&present.person);
    found.filter(visible).ok_or_else(|| Answer::new(ResultCode::NoSuchObject, "there is no such user"))
}

/// The old password counts like a sign-in: it is throttled, and an authenticator app's code belongs to it.
async fn check_old(app: &App, address: IpAddr, present: &Present, old: &[u8]) -> Result<(), Answer> {
    let attempt = BasicAttempt {
        who: Who::User(present.person.id),
        password: Secret::new(text(old)?),
        address,
        place: doorward_core::network::Place::Server,
        application: present.view.client.application.id,
        code_in_password: present.view.client.provider.profile.code_in_password,
        how: "LDAP",
    };
    match basic::verify(app, attempt).await {
        Ok(checked) if checked.by == By::Password => Ok(()),
        Ok(_) => Err(unwilling("the old password is needed, not an app password")),
        Err(error) => {
            let answer = bind::refused(&error);
            let code =
                if answer.code == ResultCode::Unavailable { answer.code } else { ResultCode::UnwillingToPerform };
            Err(Answer { code, ..answer })
        }
    }
}

fn text(value: &[u8]) -> Result<String, Answer> {
    String::from_utf8(value.to_vec()).map_err(|_| Answer::new(ResultCode::ConstraintViolation, "this is not UTF-8"))
}

fn unwilling(message: &'static str) -> Answer {
    Answer::new(ResultCode::UnwillingToPerform, message)
}

fn explain(error: OperationError) -> Answer {
    match error {
        OperationError::Store(_) => Answer::unavailable(),
        OperationError::Denied(message) => Answer::new(ResultCode::InsufficientAccessRights, message),
        other => Answer::new(ResultCode::ConstraintViolation, other.to_string()),
    }
}
