//! What a recipe is given, checked.

use doorward_core::method::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Recipe, RecipeError, data::Parameter, ldap_server::LdapServer, web_proxy};

/// What the administrator says about the application.
#[derive(Debug, Clone)]
pub struct RecipeInput {
    /// Slug the application gets in Doorward.
    pub slug: String,
    /// Protocol by which people sign in.
    pub method: Method,
    /// Address of the application, if it has one; a path is kept, a slash at its end does not matter.
    pub url: Option<Url>,
    /// Groups whose members have full power in the application.
    pub superuser_groups: Vec<String>,
    /// Groups of the application that follow Doorward.
    pub managed_groups: Vec<String>,
    /// Prefix of groups of the application that follow Doorward.
    pub group_prefix: Option<String>,
    /// Where the application finds Doorward's LDAP server, if not at the public URL's host.
    pub ldap_uri: Option<String>,
    /// Where it listens behind the proxy, if not where the recipe says.
    pub upstream: Option<String>,
}

/// What is kept with the application, so that its settings can be printed again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// See [`RecipeInput::superuser_groups`].
    pub superuser_groups: Vec<String>,
    /// See [`RecipeInput::managed_groups`].
    pub managed_groups: Vec<String>,
    /// See [`RecipeInput::group_prefix`]; the recipe's default filled in.
    pub group_prefix: Option<String>,
    /// See [`RecipeInput::ldap_uri`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap_uri: Option<String>,
    /// See [`RecipeInput::upstream`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
}

impl Options {
    /// Reads options kept earlier and checks them as if they were new.
    pub(super) fn read(recipe: &Recipe, json: &serde_json::Value) -> Result<Self, RecipeError> {
        let options: Self = match json {
            serde_json::Value::Null => Self::default(),
            other => serde_json::from_value(other.clone())
                .map_err(|error| RecipeError::BadOptions { detail: error.to_string() })?,
        };
        options.checked(recipe)
    }

    /// Refuses parameters the recipe lacks and names no group can have; fills in the default prefix.
    pub(super) fn checked(mut self, recipe: &Recipe) -> Result<Self, RecipeError> {
        let parameters = &recipe.data.parameters;
        for (used, parameter, declared) in [
            (!self.superuser_groups.is_empty(), "superuser_groups", &parameters.superuser_groups),
            (!self.managed_groups.is_empty(), "managed_groups", &parameters.managed_groups),
            (self.group_prefix.is_some(), "group_prefix", &parameters.group_prefix),
        ] {
            if used && declared.is_none() {
                return Err(recipe.unknown_parameter(parameter));
            }
        }
        if let Some(uri) = &self.ldap_uri {
            recipe.knows(Method::Ldap)?;
            LdapServer::parse(uri)?;
        }
        if let Some(upstream) = &self.upstream {
            recipe.knows(Method::Proxy)?;
            let bad = |_| RecipeError::BadUpstream { given: upstream.escape_debug().to_string() };
            web_proxy::address("address", upstream).map_err(bad)?;
        }
        for name in self.superuser_groups.iter().chain(&self.managed_groups) {
            check_group(name)?;
        }
        self.superuser_groups = distinct(self.superuser_groups);
        self.managed_groups = distinct(self.managed_groups);
        if self.group_prefix.is_none() && self.managed_groups.is_empty() {
            self.group_prefix = parameters.group_prefix.as_ref().and_then(|parameter| parameter.default.clone());
        }
        match &self.group_prefix {
            Some(prefix) if prefix.trim().is_empty() => Err(RecipeError::EmptyPrefix),
            Some(prefix) => check_group(prefix).map(|()| self),
            None => Ok(self),
        }
    }
}

impl RecipeInput {
    /// What is to be kept with the application, checked.
    pub(super) fn options(&self, recipe: &Recipe) -> Result<Options, RecipeError> {
        let given = Options {
            superuser_groups: self.superuser_groups.clone(),
            managed_groups: self.managed_groups.clone(),
            group_prefix: self.group_prefix.clone(),
            ldap_uri: self.ldap_uri.clone(),
            upstream: self.upstream.clone(),
        };
        let used = [
            ("superuser_groups", !given.superuser_groups.is_empty()),
            ("managed_groups", !given.managed_groups.is_empty()),
            ("group_prefix", given.group_prefix.is_some()),
        ];
        let mut options = given.checked(recipe)?;
        for (name, parameter) in recipe.declared().filter(|(_, parameter)| !parameter.is_for(self.method)) {
            if used.contains(&(name, true)) {
                let (recipe, method) = (recipe.data.id.clone(), self.method.as_str());
                return Err(RecipeError::NotForMethod { recipe, parameter: name, method });
            }
            if name == "group_prefix" && parameter.default.is_some() {
                options.group_prefix = None;
            }
        }
        Ok(options)
    }
}

impl Parameter {
    fn is_for(&self, method: Method) -> bool {
        self.methods.is_empty() || self.methods.contains(&method)
    }
}

impl Recipe {
    /// The parameters of this recipe: name, label and help, for forms.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, &str, &str)> {
        self.declared().map(|(name, parameter)| (name, parameter.label.as_str(), parameter.help.as_str())).collect()
    }

    fn declared(&self) -> impl Iterator<Item = (&'static str, &Parameter)> {
        let parameters = &self.data.parameters;
        [
            ("superuser_groups", &parameters.superuser_groups),
            ("managed_groups", &parameters.managed_groups),
            ("group_prefix", &parameters.group_prefix),
        ]
        .into_iter()
        .filter_map(|(name, parameter)| parameter.as_ref().map(|parameter| (name, parameter)))
    }

    fn unknown_parameter(&self, parameter: &'static str) -> RecipeError {
        let allowed: Vec<&str> = self.declared().map(|(name, _)| name).collect();
        let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        RecipeError::UnknownParameter { recipe: self.data.id.clone(), parameter, allowed }
    }
}

fn check_group(name: &str) -> Result<(), RecipeError> {
    let why = if name.trim().is_empty() {
        "it is empty"
    } else if name.chars().count() > 150 {
        "it is longer than 150 characters"
    } else if name.chars().any(char::is_control) {
        "it holds a control character"
    } else {
        return Ok(());
    };
    Err(RecipeError::BadGroup { given: name.escape_debug().to_string(), why })
}

fn distinct(names: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

impl Recipe {
    /// The application's address as text without a slash at its end; `None` for what has no address of its own.
    pub(super) fn address(&self, url: Option<&Url>) -> Result<Option<String>, RecipeError> {
        match (url, &self.data.launch_url) {
            (Some(url), Some(_)) => base_url(url).map(Some),
            (None, None) => Ok(None),
            (Some(_), None) => Err(self.unknown_parameter("url")),
            (None, Some(_)) => Err(RecipeError::NoUrl { name: self.data.name.clone(), recipe: self.data.id.clone() }),
        }
    }
}

fn base_url(url: &Url) -> Result<String, RecipeError> {
    let why = if !matches!(url.scheme(), "http" | "https") {
        "only http and https are possible"
    } else if url.host_str().is_none_or(str::is_empty) {
        "it names no host"
    } else if !url.username().is_empty() || url.password().is_some() {
        "it holds a user name or password"
    } else if url.query().is_some() {
        "it holds a query (from `?` on)"
    } else if url.fragment().is_some() {
        "it holds a fragment (from `#` on)"
    } else if url.path().contains("//") {
        "its path holds two slashes in a row"
    } else if !writable(url.as_str()) {
        "it holds quotes, braces or other characters that do not belong in an address"
    } else {
        return Ok(url.as_str().trim_end_matches('/').to_owned());
    };
    Err(RecipeError::BadUrl { given: shown(url), why })
}

/// The address for a message: without a password.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.set_password(None).is_err() {
        return format!("{}:…", url.scheme());
    }
    url.to_string()
}

/// Whether an address can stand in any settings as it is: printable ASCII without quotes, braces, backslash and the like.
pub(super) fn writable(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Result<String, RecipeError> {
        base_url(&Url::parse(text).unwrap())
    }

    #[test]
    fn a_slash_at_the_end_does_not_matter_and_a_path_stays() {
        assert_eq!(base("http://127.0.0.1:18000").unwrap(), "http://127.0.0.1:18000");
        assert_eq!(base("http://127.0.0.1:18000/").unwrap(), "http://127.0.0.1:18000");
        assert_eq!(base("https://example.org/netbox").unwrap(), "https://example.org/netbox");
        assert_eq!(base("https://example.org/netbox/").unwrap(), "https://example.org/netbox");
        assert_eq!(base("HTTPS://Example.ORG:443/").unwrap(), "https://example.org");
    }

    #[test]
    fn addresses_that_are_refused() {
        for (text, why) in [
            ("ftp://example.org", "only http and https"),
            ("mailto:a@example.org", "only http and https"),
            ("https://user:pass@example.org", "user name or password"),
            ("https://user@example.org", "user name or password"),
            ("https://example.org/?a=1", "query"),
            ("https://example.org/#top", "fragment"),
            ("https://example.org//netbox", "two slashes"),
            ("https://example.org/it's", "quotes"),
        ] {
            let error = base(text).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("https://netbox.example.org"), "{text}: {error}");
            assert!(!error.contains("pass@"), "{error}");
        }
    }
}
