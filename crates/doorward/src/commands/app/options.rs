//! Options that `app add` and `app edit` share, and what they do to an application.

use doorward_core::{
    access_rule::AccessRule,
    application::ConsentMode,
    grant_type::GrantType,
    id::MappingId,
    lifetime::Lifetime,
    method::Method,
    network::Networks,
    provider::{ClientType, IssuerMode, LogoutMethod, ProviderProfile, SubjectMode},
    redirect_uri::{MatchingMode, RedirectKind, RedirectUri},
};
use doorward_server::applications::{ApplicationEdit, access};
use std::collections::BTreeSet;

use super::super::Work;
use crate::{exit, lookup};

/// Who may use the application.
#[derive(Debug, Default, PartialEq, clap::Args)]
pub struct Access {
    /// Who may use it: a group, or "everyone"; may be given several times
    #[arg(long, value_name = "everyone|GROUP")]
    pub allow: Vec<String>,
    /// A user who may use it; may be given several times
    #[arg(long = "allow-user", value_name = "USERNAME")]
    pub allow_users: Vec<String>,
    /// Network it may be used from, such as 10.0.0.0/8, or "any"; may be given several times. Not looked at over LDAP,
    /// where the application asks and not the person
    #[arg(long = "network", value_name = "any|CIDR")]
    pub networks: Vec<String>,
}

impl Access {
    /// The networks; `None` if no option is given.
    pub fn networks(&self) -> anyhow::Result<Option<Networks>> {
        if self.networks.is_empty() {
            return Ok(None);
        }
        if self.networks.iter().any(|text| text.eq_ignore_ascii_case("any")) {
            return match self.networks.as_slice() {
                [_] => Ok(Some(Networks::default())),
                _ => Err(exit::usage("--network any is every network; leave out the other --network")),
            };
        }
        let networks = Networks::parse(self.networks.iter().map(String::as_str));
        networks.map(Some).map_err(|error| exit::usage(format!("--network: {error}")))
    }

    /// The rule; `None` if no option is given.
    pub async fn rule(&self, work: &Work) -> anyhow::Result<Option<AccessRule>> {
        if self.allow.is_empty() && self.allow_users.is_empty() {
            return Ok(None);
        }
        let is_everyone = |name: &String| name.eq_ignore_ascii_case("everyone");
        if self.allow.iter().any(is_everyone) && self.allow.len() + self.allow_users.len() > 1 {
            return Err(exit::usage("--allow everyone lets all in; leave out the other --allow and --allow-user"));
        }
        for name in self.allow.iter().filter(|name| !is_everyone(name)) {
            lookup::group(&work.app, name)?;
        }
        for username in &self.allow_users {
            lookup::user(&work.app, username).await?;
        }
        Ok(Some(access::rule(&work.app, &self.allow, &self.allow_users).await?))
    }
}

/// How the application and its provider are.
#[derive(Debug, Default, PartialEq, clap::Args)]
pub struct Details {
    /// Where its tile among "my applications" leads
    #[arg(long, value_name = "URL")]
    pub launch_url: Option<String>,
    /// Address of its icon
    #[arg(long, value_name = "URL")]
    pub icon_url: Option<String>,
    /// Heading it stands under among "my applications"
    #[arg(long, value_name = "TEXT")]
    pub heading: Option<String>,
    /// A sentence about it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Ask people for consent: never, first_time or always
    #[arg(long, value_name = "WHEN", value_parser = consent)]
    pub consent: Option<ConsentMode>,
    /// Client ID [default: 40 random letters and digits]
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// What it may use to get tokens, separated by commas; replaces what it has: authorization_code, implicit, hybrid,
    /// refresh_token, client_credentials, password, device_code [default: authorization_code,refresh_token]
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = grant_type)]
    pub grant_types: Vec<GrantType>,
    /// Where Doorward tells the application that somebody signed out; "" for nowhere. Replaces
    /// --frontchannel-logout-uri
    #[arg(long, value_name = "URI", conflicts_with = "frontchannel_logout_uri")]
    pub backchannel_logout_uri: Option<String>,
    /// Page of the application that the browser loads when somebody signs out; "" for none. Replaces
    /// --backchannel-logout-uri
    #[arg(long, value_name = "URI")]
    pub frontchannel_logout_uri: Option<String>,
    /// Signing key of its tokens, by name
    #[arg(long, value_name = "NAME")]
    pub signing_key: Option<String>,
    /// Scope it may ask for; may be given several times, and replaces the scopes it has
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// What "sub" is: hashed_user_id, user_id, user_uuid, user_username, user_email or user_upn
    #[arg(long, value_name = "MODE", value_parser = sub_mode)]
    pub sub_mode: Option<SubjectMode>,
    /// What "iss" is: per_provider or global
    #[arg(long, value_name = "MODE", value_parser = issuer_mode)]
    pub issuer_mode: Option<IssuerMode>,
    /// How long a code is good for, such as minutes=1
    #[arg(long, value_name = "LIFETIME")]
    pub code_lifetime: Option<Lifetime>,
    /// How long access and ID tokens are good for, such as hours=1
    #[arg(long, value_name = "LIFETIME")]
    pub access_token_lifetime: Option<Lifetime>,
    /// How long a refresh token is good for, such as days=30
    #[arg(long, value_name = "LIFETIME")]
    pub refresh_token_lifetime: Option<Lifetime>,
    /// Whether claims stand in the ID token as well as in userinfo
    #[arg(long, visible_alias = "include-claims-in-id-token", value_name = "true|false")]
    pub claims_in_id_token: Option<bool>,
    /// The client cannot keep a secret (an app in a browser or on a phone); PKCE is required
    #[arg(long)]
    pub public: bool,
}

impl Details {
    /// Writes what is given into an application and its OAuth2/OpenID provider.
    pub fn apply(&self, work: &Work, edit: &mut ApplicationEdit) -> anyhow::Result<()> {
        let ApplicationEdit { profile, oauth, .. } = edit;
        set(&mut profile.launch_url, self.launch_url.as_ref());
        set(&mut profile.icon_url, self.icon_url.as_ref());
        set(&mut profile.group_heading, self.heading.as_ref());
        set(&mut profile.description, self.description.as_ref());
        let Some(provider) = oauth else { return self.refuse_oidc(&profile.name) };
        set(&mut profile.consent, self.consent.as_ref());
        set(&mut provider.client_id, self.client_id.as_ref());
        self.apply_grants(provider);
        set(&mut provider.sub_mode, self.sub_mode.as_ref());
        set(&mut provider.issuer_mode, self.issuer_mode.as_ref());
        set(&mut provider.access_code_validity, self.code_lifetime.as_ref());
        set(&mut provider.access_token_validity, self.access_token_lifetime.as_ref());
        set(&mut provider.refresh_token_validity, self.refresh_token_lifetime.as_ref());
        set(&mut provider.include_claims_in_id_token, self.claims_in_id_token.as_ref());
        if let Some(name) = &self.signing_key {
            provider.signing_key = lookup::signing_key(&work.app, name)?.id;
        }
        if !self.scopes.is_empty() {
            provider.mappings = mappings_of(work, &self.scopes, &provider.mappings)?;
        }
        if self.public {
            provider.client_type = ClientType::Public;
        }
        Ok(())
    }

    fn apply_grants(&self, provider: &mut ProviderProfile) {
        if !self.grant_types.is_empty() {
            provider.grant_types = self.grant_types.iter().copied().collect();
        }
        let logout = [
            (&self.backchannel_logout_uri, LogoutMethod::Backchannel),
            (&self.frontchannel_logout_uri, LogoutMethod::Frontchannel),
        ];
        for (uri, method) in logout {
            if let Some(uri) = uri {
                provider.logout_uri.clone_from(uri);
                provider.logout_method = method;
            }
        }
    }

    /// Without such a provider, what is about it makes no sense.
    fn refuse_oidc(&self, name: &str) -> anyhow::Result<()> {
        let given = [
            ("--consent", self.consent.is_some()),
            ("--client-id", self.client_id.is_some()),
            ("--grant-types", !self.grant_types.is_empty()),
            ("--backchannel-logout-uri", self.backchannel_logout_uri.is_some()),
            ("--frontchannel-logout-uri", self.frontchannel_logout_uri.is_some()),
            ("--signing-key", self.signing_key.is_some()),
            ("--scope", !self.scopes.is_empty()),
            ("--sub-mode", self.sub_mode.is_some()),
            ("--issuer-mode", self.issuer_mode.is_some()),
            ("--code-lifetime", self.code_lifetime.is_some()),
            ("--access-token-lifetime", self.access_token_lifetime.is_some()),
            ("--refresh-token-lifetime", self.refresh_token_lifetime.is_some()),
            ("--claims-in-id-token", self.claims_in_id_token.is_some()),
            ("--public", self.public),
        ];
        refuse(&given, &format!("is about OpenID Connect, which {name} does not use"))
    }
}

/// Refuses the first option that is given though it makes no sense here.
pub fn refuse(given: &[(&str, bool)], why: &str) -> anyhow::Result<()> {
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(exit::usage(format!("{option} {why}"))),
        None => Ok(()),
    }
}

/// Redirect URIs from four lists of options, in the order in which they are shown.
pub fn redirect_uris(exact: &[String], regex: &[String], logout: &[String]) -> Vec<RedirectUri> {
    let exact = exact.iter().map(RedirectUri::exact);
    let regex = regex.iter().map(|url| RedirectUri {
        url: url.clone(),
        matching_mode: MatchingMode::Regex,
        kind: RedirectKind::Authorization,
    });
    exact.chain(regex).chain(logout.iter().map(RedirectUri::logout)).collect()
}

/// The claim mappings of scopes: those it has, and those that came with Doorward. `openid` is always among the scopes,
/// because there is no sign-in without it.
fn mappings_of(work: &Work, scopes: &[String], present: &BTreeSet<MappingId>) -> anyhow::Result<BTreeSet<MappingId>> {
    let snapshot = work.app.snapshot();
    let mut chosen = BTreeSet::new();
    for scope in scopes.iter().map(String::as_str).chain(["openid"]) {
        let of_scope: Vec<_> = snapshot.mappings.iter().filter(|mapping| mapping.profile.scope == scope).collect();
        if of_scope.is_empty() {
            return Err(exit::not_found(format!(
                "no claim mapping has the scope \"{scope}\"; add one with: doorward mapping add NAME --scope {scope}"
            )));
        }
        let usual: Vec<_> =
            of_scope.iter().filter(|mapping| mapping.is_default || present.contains(&mapping.id)).collect();
        // A scope of one's own has no usual mapping; then all of it is meant.
        let meant = if usual.is_empty() { of_scope.iter().collect() } else { usual };
        chosen.extend(meant.into_iter().map(|mapping| mapping.id));
    }
    Ok(chosen)
}

/// Writes a value if one is given.
pub fn set<T: Clone>(place: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        *place = given.clone();
    }
}

/// A grant type; the long name of the device code may be given in short.
fn grant_type(text: &str) -> Result<GrantType, String> {
    let short = |grant: GrantType| if grant == GrantType::DeviceCode { "device_code" } else { grant.as_str() };
    let all = GrantType::ALL.iter().map(|(grant, ..)| *grant);
    let found = all.clone().find(|grant| text.trim() == short(*grant) || text.trim() == grant.as_str());
    found.ok_or_else(|| choices(all.map(short)))
}

fn consent(text: &str) -> Result<ConsentMode, String> {
    ConsentMode::parse(text).ok_or_else(|| "there are never, first_time and always".to_owned())
}

fn sub_mode(text: &str) -> Result<SubjectMode, String> {
    SubjectMode::parse(text).ok_or_else(|| choices(SubjectMode::ALL.iter().map(|(_, name, _)| *name)))
}

fn issuer_mode(text: &str) -> Result<IssuerMode, String> {
    IssuerMode::parse(text).ok_or_else(|| choices(IssuerMode::ALL.iter().map(|(_, name, _)| *name)))
}

/// A method on the command line.
pub fn method(text: &str) -> Result<Method, String> {
    Method::parse(text).ok_or_else(|| choices(Method::ALL.iter().map(|(_, name, _)| *name)))
}

/// What there is to choose from.
pub fn choices<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("there are {}", names.collect::<Vec<_>>().join(", "))
}
