//! The OAuth2/OpenID provider of an application, with authentik's fields and defaults.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::{
    application::is_web_address,
    choice::choice,
    grant_type::GrantType,
    id::{ApplicationId, MappingId, ProviderId, SigningKeyId},
    lifetime::Lifetime,
    problem::Problems,
    random,
    redirect_uri::RedirectUri,
    secret::Secret,
};

/// Most redirect URIs of one application.
pub const REDIRECT_URIS_MAX: usize = 50;
/// Longest redirect URI or expression, in bytes.
pub const REDIRECT_URI_MAX: usize = 2000;

choice! {
    /// Whether the client can keep a secret (RFC 6749, section 2.1).
    ClientType {
        /// It can: a server.
        Confidential = "confidential", "Confidential: a server that keeps a secret";
        /// It cannot: a browser or mobile application. PKCE is required.
        Public = "public", "Public: an app in a browser or on a phone";
    }
}
choice! {
    /// What `sub` is made of (authentik's `sub_mode`).
    SubjectMode {
        /// The user's hashed identifier.
        HashedUserId = "hashed_user_id", "Hashed user ID";
        /// The user's number.
        UserId = "user_id", "User number";
        /// The user's UUID.
        UserUuid = "user_uuid", "User UUID";
        /// The username.
        UserUsername = "user_username", "Username";
        /// The e-mail address.
        UserEmail = "user_email", "E-mail address";
        /// The attribute `upn`, or else the hashed identifier.
        UserUpn = "user_upn", "Attribute \"upn\"";
    }
}
choice! {
    /// What `iss` is (authentik's `issuer_mode`).
    IssuerMode {
        /// Each application has an issuer of its own.
        PerProvider = "per_provider", "One issuer per application";
        /// All share the public URL.
        Global = "global", "One issuer for all";
    }
}
choice! {
    /// How an application learns that somebody signed out (authentik's `logout_method`).
    LogoutMethod {
        /// Doorward tells it (OpenID Connect Back-Channel Logout 1.0).
        Backchannel = "backchannel", "Back channel: Doorward tells the application";
        /// The browser loads a page of it (OpenID Connect Front-Channel Logout 1.0).
        Frontchannel = "frontchannel", "Front channel: the browser tells the application";
    }
}

/// What an administrator may write about a provider. The client secret is kept beside it, never in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderProfile {
    /// Name to tell it by.
    pub name: String,
    /// Confidential or public.
    pub client_type: ClientType,
    /// What the client may use: the flows at the authorization endpoint and the grants at the token endpoint.
    pub grant_types: BTreeSet<GrantType>,
    /// The client ID; unique.
    pub client_id: String,
    /// Where browsers may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where the application learns that somebody signed out; empty if it does not want to know.
    pub logout_uri: String,
    /// How it learns it.
    pub logout_method: LogoutMethod,
    /// The key that signs its tokens. There is always one.
    pub signing_key: SigningKeyId,
    /// What `sub` is made of.
    pub sub_mode: SubjectMode,
    /// What `iss` is.
    pub issuer_mode: IssuerMode,
    /// How long a code is good for.
    pub access_code_validity: Lifetime,
    /// How long access and ID tokens are good for.
    pub access_token_validity: Lifetime,
    /// How long a refresh token is good for.
    pub refresh_token_validity: Lifetime,
    /// A refresh token is replaced when less than this is left of its life; zero replaces it always.
    pub refresh_token_threshold: Lifetime,
    /// Whether the claims of the scopes stand in the ID token as well as in userinfo.
    pub include_claims_in_id_token: bool,
    /// The claim mappings it has, and by them the scopes that may be asked for.
    pub mappings: BTreeSet<MappingId>,
}

/// A provider as kept.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Identifier.
    pub id: ProviderId,
    /// Whose it is.
    pub application: ApplicationId,
    /// What can be edited.
    pub profile: ProviderProfile,
    /// The client secret.
    pub client_secret: Secret<String>,
    /// The one before it, while it is accepted beside the new one.
    pub previous_secret: Option<PreviousSecret>,
}

/// How long a replaced client secret may go on working at most.
pub const KEEP_SECRET_MAX: Lifetime = Lifetime::seconds(30 * 86_400);

impl Provider {
    /// The client secret before the present one, if it is still accepted.
    pub fn living_previous_secret(&self, now: Timestamp) -> Option<&PreviousSecret> {
        self.previous_secret.as_ref().filter(|previous| now < previous.expires_at)
    }
}

/// A client secret that was replaced and still works for a while, so that the application can be changed in peace.
#[derive(Debug, Clone)]
pub struct PreviousSecret {
    /// The secret.
    pub secret: Secret<String>,
    /// Until when it is accepted.
    pub expires_at: Timestamp,
}

impl ProviderProfile {
    /// A confidential client with authentik's defaults and a new client ID of 40 letters and digits.
    pub fn new(name: impl Into<String>, signing_key: SigningKeyId) -> Self {
        Self {
            name: name.into(),
            client_type: ClientType::Confidential,
            grant_types: GrantType::defaults(),
            client_id: random::alphanumeric(40),
            redirect_uris: Vec::new(),
            logout_uri: String::new(),
            logout_method: LogoutMethod::Backchannel,
            signing_key,
            sub_mode: SubjectMode::HashedUserId,
            issuer_mode: IssuerMode::PerProvider,
            access_code_validity: Lifetime::seconds(60),
            access_token_validity: Lifetime::seconds(3600),
            refresh_token_validity: Lifetime::seconds(30 * 86_400),
            refresh_token_threshold: Lifetime::seconds(0),
            include_claims_in_id_token: true,
            mappings: BTreeSet::new(),
        }
    }

    /// Checks what needs no other part of Doorward; redirect URIs are checked by the protocol's rules beside it.
    ///
    /// # Errors
    /// Everything that is wrong, by field.
    pub fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        problems.require(!self.name.trim().is_empty(), "provider_name", "Give the provider a name.");
        let client_id_fits = (1..=255).contains(&self.client_id.len())
            && self.client_id.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b':');
        problems.require(
            client_id_fits,
            "client_id",
            "A client ID has 1 to 255 visible ASCII characters and no colon.",
        );
        problems.require(self.redirect_uris.len() <= REDIRECT_URIS_MAX, "redirect_uris", "At most 50 redirect URIs.");
        problems.require(!self.grant_types.is_empty(), "grant_types", "Choose at least one: nobody could sign in.");
        problems.require(
            self.logout_uri.is_empty() || is_web_address(&self.logout_uri),
            "logout_uri",
            "This must be a web address that starts with https:// or http://.",
        );
        // OpenID Connect Back-Channel Logout 1.0, section 2.2.
        problems.require(!self.logout_uri.contains('#'), "logout_uri", "A logout URI has no fragment (#).");
        let at_least = |lifetime: Lifetime, seconds| lifetime >= Lifetime::seconds(seconds);
        problems.require(at_least(self.access_code_validity, 10), "access_code_validity", "At least seconds=10.");
        problems.require(
            self.access_code_validity <= Lifetime::seconds(600),
            "access_code_validity",
            "At most minutes=10 (RFC 6749, section 4.1.2).",
        );
        problems.require(at_least(self.access_token_validity, 60), "access_token_validity", "At least minutes=1.");
        problems.require(at_least(self.refresh_token_validity, 60), "refresh_token_validity", "At least minutes=1.");
        problems.or(())
    }
}

/// Shortest client secret that somebody may choose, in characters. Shorter ones can be guessed.
pub const CLIENT_SECRET_MIN: usize = 32;
/// Longest client secret that somebody may choose, in characters.
pub const CLIENT_SECRET_MAX: usize = 512;

/// Checks a client secret that somebody chose, for instance to keep the one that the application has already.
///
/// # Errors
/// What is wrong with it.
pub fn check_client_secret(secret: &Secret<String>) -> Result<(), Problems> {
    let secret = secret.expose();
    let fits = (CLIENT_SECRET_MIN..=CLIENT_SECRET_MAX).contains(&secret.len())
        && secret.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    let mut problems = Problems::default();
    problems.require(fits, "client_secret", "A client secret has 32 to 512 visible ASCII characters.");
    problems.or(())
}

/// A client secret as authentik makes them: 128 letters and digits, so that no client can encode it wrongly.
pub fn new_client_secret() -> Secret<String> {
    Secret::new(random::alphanumeric(128))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn provider() -> ProviderProfile {
        ProviderProfile::new("NetBox", SigningKeyId::new(&Clock::system()))
    }

    #[test]
    fn defaults_are_authentiks() {
        let provider = provider();
        assert_eq!(provider.client_id.len(), 40);
        assert_eq!(new_client_secret().expose().len(), 128);
        assert_eq!(provider.access_code_validity.to_string(), "minutes=1");
        assert_eq!(provider.access_token_validity.to_string(), "hours=1");
        assert_eq!(provider.refresh_token_validity.to_string(), "days=30");
        assert_eq!(provider.refresh_token_threshold.to_string(), "seconds=0");
        assert!(provider.check().is_ok());
    }

    #[test]
    fn limits_are_named_by_field() {
        let mut provider = provider();
        provider.client_id = "a:b".into();
        provider.access_code_validity = Lifetime::seconds(601);
        provider.access_token_validity = Lifetime::seconds(59);
        provider.redirect_uris = vec![RedirectUri::exact("https://a.example/"); 51];
        provider.grant_types.clear();
        provider.logout_uri = "https://a.example/out#now".into();
        let fields: Vec<_> = provider.check().unwrap_err().0.iter().map(|p| p.field).collect();
        let expected = [
            "client_id",
            "redirect_uris",
            "grant_types",
            "logout_uri",
            "access_code_validity",
            "access_token_validity",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn chosen_client_secrets_are_long_and_plain() {
        let refused = |text: &str| check_client_secret(&Secret::new(text.to_owned())).is_err();
        assert!(!refused(new_client_secret().expose()));
        assert!(!refused(&"s".repeat(32)) && !refused(&"s".repeat(512)));
        assert!(refused(&"s".repeat(31)) && refused(&"s".repeat(513)));
        for odd in [" ", "\n", "é", "\u{7f}"] {
            assert!(refused(&format!("{}{odd}", "s".repeat(40))), "{odd:?}");
        }
    }

    #[test]
    fn choices_read_back() {
        for (mode, text, _) in SubjectMode::ALL {
            assert_eq!(SubjectMode::parse(text), Some(*mode));
            assert_eq!(mode.as_str(), *text);
        }
        assert_eq!(ClientType::parse("secretive"), None);
    }
}
