//! What the doctor knows before it judges. Collecting it is the only part that talks to anybody; the checks are pure.

mod inventory;

pub use inventory::{AccountSeen, Inventory, InventoryError};

use doorward_core::{
    provider::ClientType,
    redirect_uri::RedirectUri,
    timeline::{Conclusion, StepKind},
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

use super::{
    clock::Skew,
    netbox_page::{AuthorizeUrl, LoginPage},
    tls::TlsSeen,
};
use crate::{
    oidc::logout::Undelivered,
    outbound::OutboundError,
    recipes::{AppVersion, Options},
};

/// Everything that was collected.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What Doorward itself holds about the application.
    pub house: House,
    /// Doorward through its public URL.
    pub public: Option<PublicEnd>,
    /// The application at its own address.
    pub end: Option<ApplicationEnd>,
    /// Hosts of redirect URIs that cannot be resolved from here.
    pub unknown_hosts: Vec<String>,
    /// The people who may use it.
    pub people: People,
    /// What went wrong lately.
    pub activity: Activity,
    /// The LDAP side.
    pub ldap: Option<LdapEnd>,
    /// The host that Doorward guards for it.
    pub proxy: Option<ProxyEnd>,
    /// Who somebody is who only says so, by headers. Only if it was asked for.
    pub headers: Vec<HeaderTrial>,
    /// What the application's own API tells, if there is a token for it.
    pub inventory: Option<Result<Inventory, InventoryError>>,
}

/// What Doorward itself holds about the application.
#[derive(Debug, Clone)]
pub struct House {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Whether it was made from the NetBox recipe.
    pub is_netbox: bool,
    /// The headers in which it is told who somebody is, the username's first.
    pub identity_headers: Vec<String>,
    /// Where the proxy finds it, if it was said and is not on the proxy's own machine.
    pub upstream: Option<Url>,
    /// Whether any proxy is listed in `trusted_proxies`.
    pub has_trusted_proxies: bool,
    /// Its own address, if known.
    pub url: Option<Url>,
    /// Where its tile leads, or empty.
    pub launch_url: String,
    /// What the recipe was told.
    pub options: Options,
    /// The public URL, with the slash at its end.
    pub public_url: String,
    /// Its OAuth2/OpenID provider, if people sign in by it.
    pub oauth: Option<OurClient>,
    /// Slugs of the other applications by client ID.
    pub other_clients: BTreeMap<String, String>,
    /// Names of all groups.
    pub groups: BTreeSet<String>,
    /// Since which version NetBox can do what, by the names of the recipe.
    pub features: BTreeMap<String, AppVersion>,
    /// Name of a signing key that makes RS256, if there is one.
    pub rsa_key: Option<String>,
}

/// The OAuth2/OpenID provider of the application.
#[derive(Debug, Clone)]
pub struct OurClient {
    /// The client ID.
    pub client_id: String,
    /// Whether it keeps a secret.
    pub client_type: ClientType,
    /// What `iss` is.
    pub issuer: String,
    /// Algorithm of the key that signs, as tokens name it.
    pub algorithm: String,
    /// Where browsers may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// Scopes that may be asked for.
    pub scopes: BTreeSet<String>,
    /// The discovery document as Doorward makes it.
    pub discovery: Value,
}

/// Doorward as seen through its public URL.
#[derive(Debug, Clone)]
pub struct PublicEnd {
    /// Discovery as NetBox asks for it: the issuer with its slash, another slash, the rest.
    pub discovery: Fetched,
    /// With one slash, if the other did not work.
    pub single_slash: Option<Fetched>,
    /// The certificates, if it is https.
    pub tls: Option<TlsSeen>,
}

/// The application at its own address.
#[derive(Debug, Clone)]
pub struct ApplicationEnd {
    /// The page where signing in begins.
    pub front: Fetched,
    /// The certificates, if it is https.
    pub tls: Option<TlsSeen>,
    /// The difference between the two clocks, from all answers.
    pub skew: Option<Skew>,
    /// What only a NetBox answers.
    pub netbox: Option<NetBoxEnd>,
}

/// What a NetBox tells without credentials.
#[derive(Debug, Clone, Default)]
pub struct NetBoxEnd {
    /// Its login page, understood.
    pub login: LoginPage,
    /// Its answer to the request that begins a sign-in.
    pub begin: Option<Begin>,
    /// Whether a host name sent by a stranger reached the redirect URI.
    pub takes_forwarded_host: Option<bool>,
    /// The `API-Version` header, such as `4.7`.
    pub api_version: Option<String>,
}

/// What NetBox answers to the request that begins a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Where it would send the browser.
    Sent(AuthorizeUrl),
    /// Back to its login page: it cannot reach Doorward.
    BackToLogin,
    /// An error page, with the exception it names.
    Failed(String),
    /// The OpenID Connect backend is not turned on.
    NotEnabled,
    /// The form was refused.
    Forbidden(String),
    /// Something else.
    Odd(u16),
    /// Nothing.
    Silent(OutboundError),
}

/// A request with a made-up identity in headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderTrial {
    /// What was asked for.
    pub url: String,
    /// The headers that were tried.
    pub headers: Vec<String>,
    /// The name that was made up.
    pub username: String,
    /// What came back: the status, or why nothing did.
    pub outcome: Result<u16, OutboundError>,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// What was asked for.
    pub url: String,
    /// What came.
    pub outcome: Result<Seen, OutboundError>,
}

/// An answer, as far as the checks look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Status.
    pub status: u16,
    /// `Location`.
    pub location: Option<String>,
    /// `Content-Type`.
    pub content_type: String,
    /// The beginning of the body.
    pub text: String,
}

/// The people who may use the application.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Whether the access rule lets everyone in.
    pub is_everyone: bool,
    /// Names of the groups in the access rule.
    pub allowed_groups: Vec<String>,
    /// How many active people may use it.
    pub count: usize,
    /// The first of them.
    pub examined: Vec<PersonSeen>,
    /// E-mail addresses that several active people have, with their usernames; one of them at least may use it.
    pub shared_mail: BTreeMap<String, Vec<String>>,
}

/// One person as the application is told about them.
#[derive(Debug, Clone)]
pub struct PersonSeen {
    /// Username.
    pub username: String,
    /// E-mail address, or empty.
    pub email: String,
    /// Whether somebody made sure that it is theirs.
    pub email_verified: bool,
    /// Userinfo with all scopes, or the mapping that fails.
    pub userinfo: Result<Value, String>,
    /// Whether the application was ever given a token about them.
    pub has_signed_in: bool,
}

/// What went wrong lately.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    /// Failures of the application, newest first.
    pub failures: Vec<Failure>,
    /// Failures that name no application, newest first.
    pub strangers: Vec<Failure>,
    /// When the application was given its last token.
    pub last_token_at: Option<Timestamp>,
    /// The last sign-in that came as far as the application.
    pub last_attempt: Option<AttemptSeen>,
    /// Sign-outs that it was told in vain so far, and where.
    pub undelivered: Option<(Undelivered, String)>,
}

/// A sign-in that came as far as the application.
#[derive(Debug, Clone)]
pub struct AttemptSeen {
    /// When its last step was.
    pub at: Timestamp,
    /// What that was.
    pub last_step: StepKind,
    /// Whether that went well.
    pub is_ok: bool,
    /// What came of it.
    pub conclusion: Conclusion,
    /// Reference code.
    pub reference: String,
}

/// One failure.
#[derive(Debug, Clone)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// What, as the activity names it.
    pub kind: String,
    /// In words.
    pub text: String,
    /// Reference code.
    pub reference: String,
}

/// The LDAP side of an application.
#[derive(Debug, Clone, Default)]
pub struct LdapEnd {
    /// Address in the application's settings.
    pub uri: String,
    /// Its base DN.
    pub base_dn: String,
    /// Why it may not answer where the application looks for it.
    pub doubt: Option<String>,
    /// What is wrong with the account that reads the directory.
    pub account: Option<String>,
    /// The base DNs that the server there names, or why there is no answer.
    pub naming_contexts: Option<Result<Vec<String>, String>>,
    /// The certificates, if it is LDAPS.
    pub tls: Option<TlsSeen>,
}

/// A host that Doorward guards, as a stranger sees it.
#[derive(Debug, Clone)]
pub struct ProxyEnd {
    /// Doorward's own page there, which the proxy has to pass on.
    pub ping: Fetched,
    /// The application's first page.
    pub entry: Fetched,
    /// Whether that page is let through for everybody.
    pub is_skipped: bool,
}
