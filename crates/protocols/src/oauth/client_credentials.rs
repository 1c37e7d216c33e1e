//! By what a client credentials request shows who asks (RFC 6749, section 4.4, with authentik's variants). What is presented
//! is only read here.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use doorward_core::{app_password, secret::Secret, user::USERNAME_MAX};
use std::collections::BTreeSet;

use super::{
    client_authentication::ClientCredentials,
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
    token::words,
};

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ENGINES: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING), GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING)];
/// Longest name and password as Base64, in bytes: a username of the longest characters, a colon, an app password.
const ENCODED_MAX: usize = (4 * USERNAME_MAX + 1 + app_password::LENGTH).div_ceil(3) * 4;

/// A user's name and app password.
#[derive(Debug, Clone)]
pub struct NamedPassword {
    /// Whose.
    pub username: String,
    /// The app password.
    pub password: Secret<String>,
}

/// The parameters `username` and `password`, if they were sent.
///
/// # Errors
/// `invalid_request` if one of them is missing.
pub fn in_form(form: &Parameters) -> Result<Option<NamedPassword>, OAuthError> {
    match (form.get("username"), form.get("password")) {
        (Some(username), Some(password)) => {
            Ok(Some(NamedPassword { username: username.to_owned(), password: Secret::from(password) }))
        }
        (None, None) => Ok(None),
        _ => Err(OAuthError::new(ErrorCode::InvalidRequest, "username and password belong together")
            .detail("of the parameters username and password only one was sent")),
    }
}

/// Base64 of `username:app_password` in place of the client secret, if that is what was presented. Only what could be an app
/// password at all counts: a client secret that is wrong stays one.
pub fn in_secret(credentials: &ClientCredentials) -> Option<NamedPassword> {
    credentials.readings().find_map(|secret| ENGINES.iter().find_map(|engine| decode(engine, secret)))
}

fn decode(engine: &GeneralPurpose, secret: &str) -> Option<NamedPassword> {
    let bytes = engine.decode(Some(secret).filter(|secret| secret.len() <= ENCODED_MAX)?).ok()?;
    let text = Secret::new(String::from_utf8(bytes).ok()?);
    let (username, password) = text.expose().rsplit_once(':')?;
    let fits = !username.is_empty() && app_password::is_plausible(password);
    fits.then(|| NamedPassword { username: username.to_owned(), password: Secret::from(password) })
}

/// The scopes that are given: those asked for, as far as they are configured (CVE-2024-52287), and none without asking.
/// There is nobody who could be away, so there is no offline access (RFC 6749, section 4.4.3).
pub fn scopes(asked: Option<&str>, configured: &BTreeSet<String>) -> BTreeSet<String> {
    let asked = asked.map(words).unwrap_or_default();
    asked.into_iter().filter(|scope| configured.contains(scope) && scope != "offline_access").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client_authentication::read;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    use proptest::prelude::*;

    const PASSWORD: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123";

    fn credentials(secret: &str) -> ClientCredentials {
        read(None, &Parameters::from_iter([("client_id", "id"), ("client_secret", secret)])).unwrap()
    }

    fn found(secret: &str) -> Option<(String, String)> {
        in_secret(&credentials(secret)).map(|found| (found.username, found.password.expose().clone()))
    }

    #[test]
    fn a_secret_may_hold_a_name_and_an_app_password() {
        for name in ["robot", "a:b", "r\u{f6}b\u{f6}t?>~", &"\u{1f600}".repeat(USERNAME_MAX)] {
            let text = format!("{name}:{PASSWORD}");
            let expected = Some((name.to_owned(), PASSWORD.to_owned()));
            for encoded in [STANDARD.encode(&text), STANDARD_NO_PAD.encode(&text), URL_SAFE.encode(&text)] {
                assert_eq!(found(&encoded), expected, "{name}");
                // The same by HTTP Basic.
                let header = format!("Basic {}", STANDARD.encode(format!("id:{encoded}")));
                let presented = read(Some(&header), &Parameters::default()).unwrap();
                assert_eq!(in_secret(&presented).map(|found| found.username), Some(name.to_owned()));
            }
        }
    }

    #[test]
    fn what_holds_no_app_password_is_a_client_secret() {
        let person = STANDARD.encode("alice:Korrekt-Pferd-7");
        let nameless = STANDARD.encode(format!(":{PASSWORD}"));
        let long = STANDARD.encode(format!("{}:{PASSWORD}", "x".repeat(700)));
        for secret in [person.as_str(), &nameless, &long, PASSWORD, "nocolon", "!!", &"A".repeat(128)] {
            assert_eq!(found(secret), None, "{secret}");
        }
    }

    #[test]
    fn username_and_password_belong_together() {
        let read = |form: &str| in_form(&Parameters::parse(form.as_bytes()).unwrap());
        assert!(read("grant_type=client_credentials").unwrap().is_none());
        assert_eq!(read("username=robot&password=x").unwrap().unwrap().username, "robot");
        for half in ["username=robot", "password=x", "username=robot&password="] {
            assert_eq!(read(half).unwrap_err().code, ErrorCode::InvalidRequest, "{half}");
        }
    }

    #[test]
    fn cve_2024_52287_only_configured_scopes_are_given() {
        let configured = words("openid profile offline_access");
        assert_eq!(scopes(Some("openid admin offline_access"), &configured), words("openid"));
        assert!(scopes(None, &configured).is_empty());
    }

    proptest! {
        #[test]
        fn no_secret_panics(secret in ".{1,900}") {
            let _ = in_secret(&credentials(&secret));
            let _ = in_secret(&credentials(&STANDARD.encode(&secret)));
        }
    }
}
