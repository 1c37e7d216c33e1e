//! How clients say who they are at the token endpoint (RFC 6749, section 2.3).

use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_core::{provider::ClientType, secret::Secret};
use subtle::ConstantTimeEq;

use super::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
};

/// Longest Authorization header, in bytes.
const HEADER_MAX: usize = 4 * 1024;

/// What a client presented.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The client ID as presented.
    pub client_id: String,
    /// The secret in each form it may be meant in: as it stands, and percent-decoded. Empty for `none`.
    secrets: Vec<Secret<String>>,
    /// How it was presented, for the log.
    pub method: &'static str,
}

/// Reads a client's credentials from the Authorization header or the form.
///
/// # Errors
/// `invalid_client` if there are none or the header is malformed; `invalid_request` if both ways are used at once
/// (RFC 6749, section 2.3: one method per request).
pub fn read(header: Option<&str>, form: &Parameters) -> Result<ClientCredentials, OAuthError> {
    match (header, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "Client credentials are given both in the header and in the body",
        )),
        (Some(header), form_id, None) => {
            let credentials = read_basic(header)?;
            if form_id.is_some_and(|id| !credentials.names(id)) {
                return Err(OAuthError::new(
                    ErrorCode::InvalidRequest,
                    "client_id in the body differs from the one in the header",
                ));
            }
            Ok(credentials)
        }
        (None, Some(id), Some(secret)) => Ok(ClientCredentials {
            client_id: id.to_owned(),
            secrets: vec![Secret::from(secret)],
            method: "client_secret_post",
        }),
        (None, Some(id), None) => {
            Ok(ClientCredentials { client_id: id.to_owned(), secrets: Vec::new(), method: "none" })
        }
        (None, None, _) => Err(OAuthError::new(ErrorCode::InvalidClient, "Client authentication is missing")),
    }
}

/// Reads HTTP Basic. The specification wants both parts percent-encoded, most clients send them raw: an ID or secret
/// that differs between the two readings is kept in both.
fn read_basic(header: &str) -> Result<ClientCredentials, OAuthError> {
    let refuse = |detail: &str| {
        OAuthError::new(ErrorCode::InvalidClient, "The Authorization header is malformed").detail(detail.to_owned())
    };
    if header.len() > HEADER_MAX {
        return Err(refuse("the Authorization header is longer than 4 KiB"));
    }
    let (scheme, encoded) = header.split_once(' ').ok_or_else(|| refuse("the header has no credentials"))?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refuse("the header's scheme is not Basic"));
    }
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| refuse("the credentials are not base64"))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("the credentials are not UTF-8"))?;
    let (id, secret) = text.split_once(':').ok_or_else(|| refuse("the credentials have no colon"))?;
    let mut secrets = vec![Secret::from(secret)];
    let decoded = percent_decode(secret);
    if decoded.as_deref().is_some_and(|decoded| decoded != secret) {
        secrets.extend(decoded.map(Secret::new));
    }
    Ok(ClientCredentials {
        client_id: percent_decode(id).unwrap_or_else(|| id.to_owned()),
        secrets,
        method: "client_secret_basic",
    })
}

fn percent_decode(text: &str) -> Option<String> {
    // A form of one name and no value; & and = cannot stand for themselves in an encoded text.
    if text.contains(['&', '=']) {
        return None;
    }
    form_urlencoded::parse(text.as_bytes())
        .next()
        .map_or(Some(String::new()), |(name, _)| if name.contains('\u{fffd}') { None } else { Some(name.into_owned()) })
}

impl ClientCredentials {
    fn names(&self, id: &str) -> bool {
        self.client_id == id
    }

    /// Checks the credentials against a client, in constant time.
    ///
    /// # Errors
    /// `invalid_client` if the secret is missing or wrong. A public client needs none; one that sends a secret all the
    /// same is refused, because it is not the client it takes itself for.
    pub fn check(&self, client_type: ClientType, secret: &Secret<String>) -> Result<(), OAuthError> {
        let refuse = |description, detail: &str| {
            Err(OAuthError::new(ErrorCode::InvalidClient, description).detail(detail.to_owned()))
        };
        let presented = self.secrets.iter().any(|presented| !presented.expose().is_empty());
        match client_type {
            ClientType::Public if presented => {
                refuse("Client authentication failed", "a public client sent a client secret")
            }
            ClientType::Public => Ok(()),
            ClientType::Confidential if !presented => {
                refuse("Client authentication is missing", "a confidential client sent no client secret")
            }
            ClientType::Confidential => {
                let matches = self.secrets.iter().fold(subtle::Choice::from(0), |found, presented| {
                    found | presented.expose().as_bytes().ct_eq(secret.expose().as_bytes())
                });
                if matches.into() {
                    Ok(())
                } else {
                    refuse("Client authentication failed", "the client secret is wrong")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn check(header: Option<&str>, form: &[u8], secret: &str) -> Result<(), ErrorCode> {
        read(header, &Parameters::parse(form).unwrap())
            .and_then(|credentials| credentials.check(ClientType::Confidential, &secret.into()))
            .map_err(|error| error.code)
    }

    #[test]
    fn secrets_are_taken_raw_and_percent_encoded() {
        assert_eq!(check(Some(&basic("id:a+b%20c")), b"", "a+b%20c"), Ok(()));
        assert_eq!(check(Some(&basic("id:a%2Bb")), b"", "a+b"), Ok(()));
        assert_eq!(check(None, b"client_id=id&client_secret=s", "s"), Ok(()));
    }

    #[test]
    fn wrong_missing_and_double_credentials_are_told_apart() {
        assert_eq!(check(Some(&basic("id:no")), b"", "s"), Err(ErrorCode::InvalidClient));
        assert_eq!(check(Some(&basic("id:")), b"", "s"), Err(ErrorCode::InvalidClient));
        assert_eq!(check(None, b"client_id=id", "s"), Err(ErrorCode::InvalidClient));
        assert_eq!(check(None, b"", "s"), Err(ErrorCode::InvalidClient));
        assert_eq!(check(Some(&basic("id:s")), b"client_secret=s", "s"), Err(ErrorCode::InvalidRequest));
        assert_eq!(check(Some(&basic("id:s")), b"client_id=other", "s"), Err(ErrorCode::InvalidRequest));
        assert_eq!(check(Some(&basic("id:s")), b"client_id=id", "s"), Ok(()));
        for malformed in ["Basic", "Basic !!", "Bearer x", &basic("nocolon"), &format!("Basic {}", "A".repeat(5000))] {
            assert_eq!(check(Some(malformed), b"", "s"), Err(ErrorCode::InvalidClient), "{malformed}");
        }
    }

    #[test]
    fn an_empty_secret_never_authenticates() {
        assert_eq!(check(Some(&basic("id:")), b"", ""), Err(ErrorCode::InvalidClient));
        assert_eq!(check(None, b"client_id=id&client_secret=", ""), Err(ErrorCode::InvalidClient));
    }

    #[test]
    fn public_clients_send_no_secret() {
        let form = Parameters::parse(b"client_id=id").unwrap();
        assert!(read(None, &form).unwrap().check(ClientType::Public, &"".into()).is_ok());
        let form = Parameters::parse(b"client_id=id&client_secret=x").unwrap();
        assert!(read(None, &form).unwrap().check(ClientType::Public, &"x".into()).is_err());
    }

    proptest! {
        #[test]
        fn no_header_panics(header in ".{0,200}") {
            let _ = read(Some(&header), &Parameters::default());
            let _ = read(Some(&basic(&header)), &Parameters::default());
        }
    }
}
