//! Options about the proxy provider of an application.

use doorward_core::{
    lifetime::Lifetime,
    proxy_provider::{BasicAuth, Identity, ProxyMode, ProxyProfile},
};
use doorward_server::applications::ApplicationEdit;

use super::options::{choices, refuse, set};

/// How the proxy provider is.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "Forward auth")]
pub struct ProxyOptions {
    /// Where browsers reach the application behind its proxy, such as https://netbox.example.org; with --mode domain the
    /// host that people come back to
    #[arg(long, value_name = "URL")]
    pub external_host: Option<String>,
    /// What is guarded: single, one host; or domain, everything at and below --cookie-domain [default: single]
    #[arg(long, value_name = "MODE", value_parser = mode)]
    mode: Option<ProxyMode>,
    /// The domain with --mode domain, such as example.org
    #[arg(long, value_name = "DOMAIN")]
    cookie_domain: Option<String>,
    /// Regular expression for paths that need nobody signed in, such as ^/static/; may be given several times, and replaces
    /// those there are. '' for none
    #[arg(long = "skip-path", value_name = "REGEX")]
    skip_paths: Vec<String>,
    /// Header that carries something about the person, such as username=Remote-User; may be given several times. There are
    /// username, groups, email, first-name, last-name, name and uid; username= takes one away
    #[arg(long = "header", value_name = "WHAT=NAME", value_parser = header)]
    headers: Vec<(Identity, String)>,
    /// What stands between groups in the header for them [default: |]
    #[arg(long, value_name = "SIGNS")]
    group_separator: Option<String>,
    /// Whether app passwords and tokens in Authorization are taken, and others refused [default: true]
    #[arg(long, value_name = "true|false")]
    intercept_header_auth: Option<bool>,
    /// How long a session at the protected host lasts at most, such as days=1
    #[arg(long, value_name = "LIFETIME")]
    session_lifetime: Option<Lifetime>,
    /// User attributes with the name and the password that the application gets by HTTP Basic; '' for none
    #[arg(long = "basic-auth", value_name = "ATTRIBUTE,ATTRIBUTE", value_parser = basic_auth)]
    basic_auth: Option<Attributes>,
}

/// User attributes, or that there are none.
#[derive(Debug, Clone, PartialEq)]
struct Attributes(Option<BasicAuth>);

impl ProxyOptions {
    /// Writes what is given into an application that is there or to be made.
    pub fn apply(&self, edit: &mut ApplicationEdit) -> anyhow::Result<()> {
        if let Some(provider) = &mut edit.proxy {
            self.apply_to(provider);
            return Ok(());
        }
        let (name, slug) = (&edit.profile.name, &edit.profile.slug);
        let advice = format!("is about forward auth, which {name} does not use; see: doorward app proxy add {slug}");
        refuse(&self.given(), &advice)
    }

    /// The same for a provider alone.
    pub fn apply_to(&self, provider: &mut ProxyProfile) {
        set(&mut provider.external_host, self.external_host.as_ref());
        set(&mut provider.cookie_domain, self.cookie_domain.as_ref());
        // Only in that mode does a domain mean anything.
        let implied = self.cookie_domain.as_ref().map(|_| ProxyMode::ForwardDomain);
        set(&mut provider.mode, self.mode.or(implied).as_ref());
        if !self.skip_paths.is_empty() {
            provider.skip_path_regex.clone_from(&self.skip_paths);
        }
        provider.headers.extend(self.headers.iter().cloned());
        set(&mut provider.group_separator, self.group_separator.as_ref());
        set(&mut provider.intercept_header_auth, self.intercept_header_auth.as_ref());
        set(&mut provider.access_token_validity, self.session_lifetime.as_ref());
        if let Some(Attributes(basic_auth)) = &self.basic_auth {
            provider.basic_auth.clone_from(basic_auth);
        }
        *provider = provider.clone().tidied();
    }

    fn given(&self) -> [(&'static str, bool); 9] {
        [
            ("--external-host", self.external_host.is_some()),
            ("--mode", self.mode.is_some()),
            ("--cookie-domain", self.cookie_domain.is_some()),
            ("--skip-path", !self.skip_paths.is_empty()),
            ("--header", !self.headers.is_empty()),
            ("--group-separator", self.group_separator.is_some()),
            ("--intercept-header-auth", self.intercept_header_auth.is_some()),
            ("--session-lifetime", self.session_lifetime.is_some()),
            ("--basic-auth", self.basic_auth.is_some()),
        ]
    }
}

fn mode(text: &str) -> Result<ProxyMode, String> {
    match text {
        "single" => Ok(ProxyMode::ForwardSingle),
        "domain" => Ok(ProxyMode::ForwardDomain),
        _ => Err(choices(["single", "domain"].into_iter())),
    }
}

fn header(text: &str) -> Result<(Identity, String), String> {
    let (what, name) = text.split_once('=').ok_or("write it like username=Remote-User")?;
    let identity = Identity::parse(what);
    let identity = identity.ok_or_else(|| choices(Identity::ALL.iter().map(|(_, name, _)| *name)))?;
    Ok((identity, name.to_owned()))
}

fn basic_auth(text: &str) -> Result<Attributes, String> {
    if text.is_empty() {
        return Ok(Attributes(None));
    }
    let (user, password) = text.split_once(',').ok_or("write it like app_username,app_password")?;
    Ok(Attributes(Some(BasicAuth { user_attribute: user.to_owned(), password_attribute: password.to_owned() })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_taken_away() {
        assert_eq!(header("first-name=X-Given"), Ok((Identity::FirstName, "X-Given".to_owned())));
        assert!(header("username").is_err() && header("shoes=X").unwrap_err().contains("username"));
        let mut profile = ProxyProfile::single("https://a.example");
        let options = |headers| ProxyOptions { headers, ..ProxyOptions::default() };
        options(vec![header("uid=X-Uid").unwrap(), header("email=X-Mail").unwrap()]).apply_to(&mut profile);
        options(vec![header("uid=").unwrap()]).apply_to(&mut profile);
        assert_eq!(profile.headers.into_values().collect::<Vec<_>>(), ["X-Mail"]);
    }

    #[test]
    fn a_domain_means_the_mode_for_domains_unless_another_is_said() {
        let mut profile = ProxyProfile::single("https://a.example.org");
        let options = ProxyOptions { cookie_domain: Some("example.org".into()), ..ProxyOptions::default() };
        options.apply_to(&mut profile);
        assert_eq!((profile.mode, profile.cookie_domain.as_str()), (ProxyMode::ForwardDomain, "example.org"));
        ProxyOptions { mode: Some(ProxyMode::ForwardSingle), ..ProxyOptions::default() }.apply_to(&mut profile);
        assert_eq!((profile.mode, profile.cookie_domain.as_str()), (ProxyMode::ForwardSingle, ""));
    }

    #[test]
    fn attributes_come_in_pairs() {
        assert!(basic_auth("user").is_err() && basic_auth("").unwrap() == Attributes(None));
        let Attributes(Some(basic)) = basic_auth("a,b").unwrap() else { panic!() };
        assert_eq!((basic.user_attribute.as_str(), basic.password_attribute.as_str()), ("a", "b"));
    }
}
