//! How clients say who they are at the token endpoint (RFC 6749, section 2.3).

use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_core::{
    provider::{ClientType, Provider},
    secret::Secret,
};
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use super::{
    error::{ErrorCode, OAuthError},
    parameters::Parameters,
};

/// Longest Authorization header, in bytes.
const HEADER_MAX: usize = 4 * 1024;

/// What is compared with where there is no client: as long as the secrets that are made here.
const NO_SECRET: &str = "................................................................................................................................";
/// What every client reads that is not the one it says it is, whether there is such a client or not.
const REFUSED: &str = "Client authentication failed";

/// What a client has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing but its name: a public client.
    Name,
    /// The client secret.
    Secret,
    /// The client secret before the last rotation, which is still accepted.
    PreviousSecret,
}

/// What a client presented.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The client ID in each form it may be meant in, the specification's first: percent-decoded, and as it stands.
    client_ids: Vec<String>,
    /// The secret in each form it may be meant in: as it stands, and percent-decoded. Empty for `none`.
    secrets: Vec<Secret<String>>,
    /// How it was presented, for the log.
    pub method: &'static str,
}

/// Reads a client's credentials from the Authorization header or the form.
///
/// # Errors
/// `invalid_client` if there are none, the header is malformed, or the client has signed an assertion, which is not
/// understood here (RFC 6749, section 5.2); `invalid_request` if both ways are used at once
/// (RFC 6749, section 2.3: one method per request).
pub fn read(header: Option<&str>, form: &Parameters) -> Result<ClientCredentials, OAuthError> {
    if form.get("client_assertion").or(form.get("client_assertion_type")).is_some() {
        let description = "client_assertion is not supported, send the client secret";
        return Err(OAuthError::new(ErrorCode::InvalidClient, description));
    }
    match (header, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => Err(OAuthError::new(
            ErrorCode::InvalidRequest,
            "Client credentials are given both in the header and in the body",
        )),
        (Some(header), form_id, None) => {
            let mut credentials = read_basic(header)?;
            if let Some(id) = form_id {
                // The body has one reading, so it says which of the header's is meant.
                credentials.client_ids.retain(|reading| reading == id);
            }
            if credentials.client_ids.is_empty() {
                return Err(OAuthError::new(
                    ErrorCode::InvalidRequest,
                    "client_id in the body differs from the one in the header",
                ));
            }
            Ok(credentials)
        }
        (None, Some(id), Some(secret)) => Ok(ClientCredentials {
            client_ids: vec![id.to_owned()],
            secrets: vec![Secret::from(secret)],
            method: "client_secret_post",
        }),
        (None, Some(id), None) => {
            Ok(ClientCredentials { client_ids: vec![id.to_owned()], secrets: Vec::new(), method: "none" })
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
    let secrets = readings(secret).into_iter().map(Secret::new).collect();
    Ok(ClientCredentials { client_ids: readings(id), secrets, method: "client_secret_basic" })
}

/// What a text may mean: percent-decoded, and as it stands.
fn readings(text: &str) -> Vec<String> {
    let decoded = percent_decode(text).filter(|decoded| decoded != text);
    decoded.into_iter().chain([text.to_owned()]).collect()
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
    /// Every reading of the client ID that was presented, in the order in which they count.
    pub fn client_ids(&self) -> impl Iterator<Item = &str> {
        self.client_ids.iter().map(String::as_str)
    }

    /// Every reading of the secret that was presented, if any was.
    pub(super) fn readings(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|secret| secret.expose().as_str()).filter(|secret| !secret.is_empty())
    }

    /// Whether a secret was presented.
    pub fn has_secret(&self) -> bool {
        self.readings().next().is_some()
    }

    /// Whether one reading of what was presented is a secret; all of them are compared, each in constant time.
    fn is(&self, secret: &str) -> bool {
        let found = self
            .readings()
            .fold(subtle::Choice::from(0), |found, presented| found | presented.as_bytes().ct_eq(secret.as_bytes()));
        found.into()
    }

    /// Refuses who names a client that does not exist, in the same words and time as a wrong secret.
    pub fn refuse_unknown(&self) -> OAuthError {
        let detail = format!("no application has the client ID {:?}", self.client_ids().last().unwrap_or_default());
        // Twice, as a secret and the one before it. Nobody's secret is compared, so nothing hangs on the outcome.
        let compared = [self.is(NO_SECRET), self.is(NO_SECRET)];
        std::hint::black_box(compared);
        OAuthError::new(ErrorCode::InvalidClient, REFUSED).detail(detail)
    }

    /// Checks the credentials against a client, in constant time: the secret, and the one before it while that is accepted.
    ///
    /// # Errors
    /// `invalid_client` if the secret is missing or wrong. A public client needs none; one that sends a secret all the
    /// same is refused, because it is not the client it takes itself for.
    pub fn check(&self, provider: &Provider, now: Timestamp) -> Result<Proof, OAuthError> {
        let refuse = |detail: &str| Err(OAuthError::new(ErrorCode::InvalidClient, REFUSED).detail(detail.to_owned()));
        let previous = provider.living_previous_secret(now);
        let is_present = self.is(provider.client_secret.expose());
        let is_previous = self.is(previous.map_or(NO_SECRET, |previous| previous.secret.expose()));
        match (provider.profile.client_type, self.has_secret()) {
            (ClientType::Public, true) => refuse("a public client sent a client secret"),
            (ClientType::Public, false) => Ok(Proof::Name),
            (ClientType::Confidential, false) => refuse("a confidential client sent no client secret"),
            (ClientType::Confidential, true) if is_present => Ok(Proof::Secret),
            (ClientType::Confidential, true) if is_previous && previous.is_some() => Ok(Proof::PreviousSecret),
            (ClientType::Confidential, true) => match &provider.previous_secret {
                Some(ended) if self.is(ended.secret.expose()) => {
                    refuse("the client secret is the one before the last rotation, which is not accepted any more")
                }
                _ => refuse("the client secret is wrong"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::{
        clock::{Clock, from_millis},
        id::{ApplicationId, ProviderId, SigningKeyId},
        provider::{PreviousSecret, ProviderProfile},
    };
    use proptest::prelude::*;

    /// A client whose previous secret is accepted until 10 ms after the epoch.
    fn provider(client_type: ClientType, secret: &str, previous: Option<&str>) -> Provider {
        let clock = Clock::system();
        let mut profile = ProviderProfile::new("NetBox", SigningKeyId::new(&clock));
        profile.client_type = client_type;
        let previous = previous.map(|secret| PreviousSecret { secret: secret.into(), expires_at: from_millis(10) });
        Provider {
            id: ProviderId::new(&clock),
            application: ApplicationId::new(&clock),
            profile,
            client_secret: secret.into(),
            previous_secret: previous,
        }
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn check(header: Option<&str>, form: &[u8], secret: &str) -> Result<(), ErrorCode> {
        read(header, &Parameters::parse(form).unwrap())
            .and_then(|credentials| {
                credentials.check(&provider(ClientType::Confidential, secret, None), from_millis(0))
            })
            .map(|proof| assert_eq!(proof, Proof::Secret))
            .map_err(|error| error.code)
    }

    #[test]
    fn secrets_are_taken_raw_and_percent_encoded() {
        assert_eq!(check(Some(&basic("id:a+b%20c")), b"", "a+b%20c"), Ok(()));
        assert_eq!(check(Some(&basic("id:a%2Bb")), b"", "a+b"), Ok(()));
        assert_eq!(check(None, b"client_id=id&client_secret=s", "s"), Ok(()));
    }

    #[test]
    fn client_ids_are_taken_raw_and_percent_encoded() {
        let ids = |header: &str, form: &[u8]| {
            let credentials = read(Some(&basic(header)), &Parameters::parse(form).unwrap()).unwrap();
            credentials.client_ids().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(ids("netbox:s", b""), ["netbox"]);
        assert_eq!(ids("a+b:s", b""), ["a b", "a+b"]);
        assert_eq!(ids("a%2Bb:s", b""), ["a+b", "a%2Bb"]);
        assert_eq!(ids("a%41:s", b""), ["aA", "a%41"]);
        assert_eq!(ids("a%ff:s", b""), ["a%ff"], "what does not decode stands for itself");
        assert_eq!(ids("a&b=c:s", b""), ["a&b=c"]);
        assert_eq!(ids("a+b:s", b"client_id=a%2Bb"), ["a+b"], "the body says which is meant");
        assert_eq!(ids("a%41:s", b"client_id=aA"), ["aA"]);
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
        let public = provider(ClientType::Public, "x", Some("y"));
        assert_eq!(read(None, &form).unwrap().check(&public, from_millis(0)), Ok(Proof::Name));
        for secret in ["x", "y"] {
            let form = Parameters::parse(format!("client_id=id&client_secret={secret}").as_bytes()).unwrap();
            assert!(read(None, &form).unwrap().check(&public, from_millis(0)).is_err());
        }
    }

    #[test]
    fn the_previous_secret_is_good_until_its_time() {
        let rotated = provider(ClientType::Confidential, "new", Some("old"));
        let check = |secret: &str, now| {
            read(Some(&basic(&format!("id:{secret}"))), &Parameters::default())
                .unwrap()
                .check(&rotated, from_millis(now))
        };
        assert_eq!(check("new", 9), Ok(Proof::Secret));
        assert_eq!(check("old", 9), Ok(Proof::PreviousSecret));
        assert_eq!(check("new", 10), Ok(Proof::Secret));
        let ended = check("old", 10).unwrap_err();
        let wrong = check("none", 10).unwrap_err();
        assert_eq!((ended.code, ended.description), (wrong.code, wrong.description));
        assert!(ended.detail.contains("before the last rotation"));
        // What stands in for a secret that is not there opens nothing.
        let fresh = provider(ClientType::Confidential, "new", None);
        let form = Parameters::from_iter([("client_id", "id"), ("client_secret", NO_SECRET)]);
        assert!(read(None, &form).unwrap().check(&fresh, from_millis(0)).is_err());
    }

    #[test]
    fn unknown_clients_and_wrong_secrets_read_the_same() {
        let known = provider(ClientType::Confidential, "s", None);
        for form in ["client_id=id", "client_id=id&client_secret=x"] {
            let credentials = read(None, &Parameters::parse(form.as_bytes()).unwrap()).unwrap();
            let (wrong, unknown) =
                (credentials.check(&known, from_millis(0)).unwrap_err(), credentials.refuse_unknown());
            assert_eq!((wrong.code, wrong.description), (unknown.code, unknown.description));
        }
    }

    #[test]
    fn assertions_are_refused_readably() {
        for form in ["client_id=id&client_secret=s&client_assertion=x", "client_assertion_type=urn%3Ax"] {
            let error = read(None, &Parameters::parse(form.as_bytes()).unwrap()).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidClient);
            assert!(error.description.contains("client_assertion"));
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(header in ".{0,200}") {
            let _ = read(Some(&header), &Parameters::default());
            let _ = read(Some(&basic(&header)), &Parameters::default());
        }
    }
}
