//! `Authorization` of clients that are no browsers: HTTP Basic with an app password, or a token of the application's provider.

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_core::{cipher::sha256_hex, event::EventKind, network::Place, secret::Secret};
use doorward_protocols::jose::verify;
use doorward_store as store;
use std::net::IpAddr;

use super::client::ProxyClient;
use crate::{
    app::App,
    auth::basic::{self, BasicAttempt, SignInError, Who},
    directory::person::{self, Person},
    events,
};

/// The name under which a token can be given as a password, as authentik has it.
const TOKEN_USER: &str = "goauthentik.io/token";
/// Longest header that is looked at, in bytes.
const HEADER_MAX: usize = 12 * 1024;

/// What `Authorization` says.
#[derive(Debug)]
enum Credentials {
    Basic { name: String, password: Secret<String> },
    Bearer(String),
}

/// How a client is asked for better credentials (RFC 9110, section 11.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token.
    Bearer,
}

/// Why a header lets nobody in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The credentials are not right.
    Wrong(Challenge, String),
    /// They are, but the person may not use the application.
    NotAllowed(String),
    /// The database is away.
    Store(store::Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// Who sends a request, by its `Authorization`; nobody if there is none, or one of a scheme that is the application's own.
///
/// # Errors
/// Why the header lets nobody in. The access rule is looked at by whoever asks.
pub(super) async fn find(
    app: &App,
    client: &ProxyClient,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Option<Person>, Refusal> {
    match read(headers) {
        Ok(None) => Ok(None),
        Ok(Some(Credentials::Bearer(token))) => bearer(app, client, &token, address, Challenge::Bearer).await.map(Some),
        Ok(Some(Credentials::Basic { name, password })) if name == TOKEN_USER => {
            bearer(app, client, password.expose(), address, Challenge::Basic).await.map(Some)
        }
        Ok(Some(Credentials::Basic { name, password })) => {
            by_name(app, client, name, password, address).await.map(Some)
        }
        Err(challenge) => {
            Err(refuse(app, client, address, challenge, "Authorization cannot be read, or is there twice").await)
        }
    }
}

/// Reads the header. Schemes other than Basic and Bearer are no matter of ours.
fn read(headers: &HeaderMap) -> Result<Option<Credentials>, Challenge> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Challenge::Basic);
    }
    let bytes = value.as_bytes();
    let scheme = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    let challenge = if scheme.eq_ignore_ascii_case(b"basic") {
        Challenge::Basic
    } else if scheme.eq_ignore_ascii_case(b"bearer") {
        Challenge::Bearer
    } else {
        return Ok(None);
    };
    let text = value.to_str().ok().filter(|text| text.len() <= HEADER_MAX).ok_or(challenge)?;
    let rest = text.split_once(' ').map_or("", |(_, rest)| rest).trim();
    if rest.is_empty() {
        return Err(challenge);
    }
    match challenge {
        Challenge::Bearer => Ok(Some(Credentials::Bearer(rest.to_owned()))),
        Challenge::Basic => basic_credentials(rest).map(Some).ok_or(challenge),
    }
}

/// RFC 7617, section 2, in UTF-8.
fn basic_credentials(encoded: &str) -> Option<Credentials> {
    let plain = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = plain.split_once(':')?;
    Some(Credentials::Basic { name: name.to_owned(), password: Secret::from(password) })
}

async fn by_name(
    app: &App,
    client: &ProxyClient,
    name: String,
    password: Secret<String>,
    address: IpAddr,
) -> Result<Person, Refusal> {
    let attempt = BasicAttempt {
        who: Who::Named(name),
        password,
        address,
        place: Place::Browser(address),
        application: client.application.id,
        code_in_password: false,
        how: "HTTP Basic",
    };
    match basic::verify(app, attempt).await {
        Ok(basic) => {
            let person = person::find(app, &app.snapshot(), basic.user.id).await?;
            person.ok_or_else(|| Refusal::Wrong(Challenge::Basic, String::new()))
        }
        Err(SignInError::Store(error)) => Err(Refusal::Store(error)),
        Err(SignInError::NotAllowed { reference } | SignInError::Disabled { reference }) => {
            Err(Refusal::NotAllowed(reference))
        }
        Err(error) => Err(Refusal::Wrong(Challenge::Basic, error.reference().unwrap_or_default().to_owned())),
    }
}

/// Checks an access token: that it is one of this application's, and that it stands.
async fn bearer(
    app: &App,
    client: &ProxyClient,
    token: &str,
    address: IpAddr,
    challenge: Challenge,
) -> Result<Person, Refusal> {
    let oauth = &client.client;
    let client_id = &oauth.provider.profile.client_id;
    if let Err(error) = verify::access_token(token, &oauth.public_keys, &oauth.issuer, client_id) {
        return Err(refuse(app, client, address, challenge, &error.to_string()).await);
    }
    let (hash, now) = (sha256_hex(token.as_bytes()), app.clock.now());
    let found = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let Some(token) = store::access_token::find(tx, &hash, now).await? else { return Ok(None) };
                let person = person::read(tx, token.grant.user).await?;
                Ok(person.map(|person| (token.grant.provider, person)))
            })
        })
        .await?;
    match found {
        Some((provider, (user, groups))) if provider == oauth.provider.id => {
            Ok(Person::new(user, groups, &app.snapshot()))
        }
        _ => Err(refuse(app, client, address, challenge, "the token is unknown, expired or revoked").await),
    }
}

async fn refuse(app: &App, client: &ProxyClient, address: IpAddr, challenge: Challenge, why: &str) -> Refusal {
    let name = &client.application.profile.name;
    let how = match challenge {
        Challenge::Basic => "HTTP Basic",
        Challenge::Bearer => "a Bearer token",
    };
    let mut entry = events::Entry::new(EventKind::SignInFailed, format!("{name}: {how} was refused: {why}"));
    entry.application = Some(client.application.id);
    entry.address = address.to_string();
    Refusal::Wrong(challenge, events::write(app, entry).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn sent(values: &[&[u8]]) -> Result<Option<Credentials>, Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        read(&headers)
    }

    #[test]
    fn basic_and_bearer_are_read_and_all_else_is_the_applications() {
        assert!(matches!(sent(&[b"Bearer abc"]), Ok(Some(Credentials::Bearer(token))) if token == "abc"));
        let basic = sent(&[b"basic YWxpY2U6czpl"]).unwrap().unwrap();
        assert!(
            matches!(basic, Credentials::Basic { name, password } if name == "alice" && password.expose() == "s:e")
        );
        for other in [&b"Token nbt_abc"[..], b"Negotiate abc", b"Digest x", b"", b"Basics abc"] {
            assert!(matches!(sent(&[other]), Ok(None)), "{other:?}");
        }
        assert!(matches!(sent(&[]), Ok(None)));
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_never_ignored() {
        for wrong in
            [&b"Basic"[..], b"Basic ", b"Basic !!", b"Basic YWxpY2U=", b"Basic //79Og==", b"Bearer", b"Bearer \xff"]
        {
            assert!(sent(&[wrong]).is_err(), "{wrong:?}");
        }
        assert!(sent(&[b"Bearer a", b"Bearer a"]).is_err() && sent(&[b"Token a", b"Bearer a"]).is_err());
        let long = format!("Bearer {}", "a".repeat(HEADER_MAX));
        assert!(sent(&[long.as_bytes()]).is_err());
    }

    proptest! {
        #[test]
        fn no_header_panics(value in "(basic|bearer|token)? ?[ -~]{0,60}") {
            let _ = sent(&[value.as_bytes()]);
        }
    }
}
