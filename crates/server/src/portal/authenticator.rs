//! `/if/user/security/authenticator/`: setting an authenticator app up, and removing it.

use axum::{extract::State, response::Response};
use doorward_core::problem::Problems;
use doorward_protocols::totp;
use qrcode::{Color, EcLevel, QrCode};
use serde_json::{Value, json};
use std::fmt::Write as _;

use super::account::{self, Done};
use crate::{
    app::App,
    auth::{
        again,
        authenticator::{self, SetUp},
    },
    directory::authenticators,
    error::{OperationError, OperationResult},
    http::{
        form::{Fields, Form},
        visitor::Member,
    },
};

/// White around the code, in modules (ISO/IEC 18004: four).
const QUIET: usize = 4;

/// `GET /if/user/security/authenticator/`.
pub async fn show(State(app): State<App>, member: Member) -> Response {
    let answer = page(&app, &member, None, &Problems::default()).await;
    account::settle(&app, &member, answer)
}

/// `POST /if/user/security/authenticator/`: a code of the new app came back.
pub async fn set_up(State(app): State<App>, member: Member, form: Form) -> Response {
    let user = &member.signed_in.user;
    let begun = authenticator::resume(&app, &member.visitor, user.id, form.get("set_up"));
    let answer = async {
        let Some(begun) = begun else {
            let problem = Problems::one("", "This took too long, or was begun elsewhere. Scan the new code below.");
            return page(&app, &member, None, &problem).await;
        };
        match confirm(&app, &member, &begun, &form).await {
            Ok(()) => Ok(Done::AuthenticatorSetUp.back()),
            Err(OperationError::Invalid(problems)) => page(&app, &member, Some(begun), &problems).await,
            Err(error) => Err(error),
        }
    };
    account::settle(&app, &member, answer.await)
}

/// `POST /if/user/security/authenticator/remove/`.
pub async fn remove(State(app): State<App>, member: Member, form: Form) -> Response {
    let answer = async {
        match removed(&app, &member, &form).await {
            Ok(()) => Ok(Done::AuthenticatorRemoved.back()),
            Err(OperationError::Invalid(problems)) => page(&app, &member, None, &problems).await,
            Err(error) => Err(error),
        }
    };
    account::settle(&app, &member, answer.await)
}

/// A browser left alone must not be enough to lock its owner out: the password is asked for.
async fn confirm(app: &App, member: &Member, begun: &SetUp, form: &Fields) -> OperationResult<()> {
    if authenticators::since(app, member.signed_in.user.id).await?.is_some() {
        return Err(OperationError::invalid("", "There is an authenticator app already; remove it first."));
    }
    again::verify(app, account::again(member, form)).await.map_err(account::not_again)?;
    authenticator::confirm(app, &member.visitor.actor(), &member.signed_in.user, begun, form.get("code")).await
}

async fn removed(app: &App, member: &Member, form: &Fields) -> OperationResult<()> {
    again::verify(app, account::again(member, form)).await.map_err(account::not_again)?;
    authenticators::remove(app, &member.visitor.actor(), member.signed_in.user.id).await
}

async fn page(app: &App, member: &Member, begun: Option<SetUp>, problems: &Problems) -> OperationResult<Response> {
    let user = &member.signed_in.user;
    let has_one = authenticators::since(app, user.id).await?.is_some();
    let set_up = if has_one {
        Value::Null
    } else {
        let begun = begun.unwrap_or_else(|| authenticator::begin(app, &member.visitor, user.id));
        json!({
            "sealed": begun.sealed,
            "secret": in_fours(&totp::base32(&begun.secret)),
            "account": user.profile.username,
            "issuer": app.config.public_url.host(),
            "qr": qr(&authenticator::url(app, user, &begun.secret)),
        })
    };
    Ok(account::page(app, member, "security_authenticator.html", json!({ "set_up": set_up }), problems))
}

/// A key as people type it: in groups of four.
fn in_fours(key: &str) -> String {
    let mut out = String::new();
    for (index, character) in key.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push(' ');
        }
        out.push(character);
    }
    out
}

/// A text as a QR code: the size of the picture in modules, and the dark ones as a path. `null` for a text too long for
/// one; the key beside it does.
fn qr(text: &str) -> Value {
    let Ok(code) = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M) else { return Value::Null };
    let width = code.width();
    let mut path = String::new();
    for (index, color) in code.into_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (index % width + QUIET, index / width + QUIET);
            // Writing to a string cannot fail.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    json!({ "size": width + 2 * QUIET, "path": path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_in_fours() {
        assert_eq!(in_fours("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(in_fours(""), "");
    }

    #[test]
    fn a_picture_has_its_finder_patterns_and_quiet_zone() {
        let picture =
            qr("otpauth://totp/id.example.org:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=id.example.org");
        let (size, path) = (picture["size"].as_u64().unwrap(), picture["path"].as_str().unwrap());
        for corner in [(4, 4), (size - 5, 4), (4, size - 5)] {
            assert!(path.contains(&format!("M{} {}h1v1h-1z", corner.0, corner.1)));
        }
        assert!(!path.contains("M3 ") && !path.contains(&format!("M{} ", size - 4)));
        assert_eq!(qr(&"x".repeat(5000)), Value::Null);
    }
}
