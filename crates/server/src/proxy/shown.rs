//! What an application behind a proxy would be told about somebody.

use doorward_core::proxy_provider::Identity;
use serde::Serialize;

use super::{
    client::ProxyClient,
    identity::{self, UnportableName},
};
use crate::{app::App, directory::person::Person, snapshot::Snapshot};

/// Headers with their values, as the proxy would pass them on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Names in lower case and values, in the order in which they are sent; those without a value are empty.
    pub headers: Vec<(String, String)>,
    /// Groups that no header can carry.
    pub left_out: Vec<String>,
    /// Why nobody of that name is let through, if that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// The headers for somebody. Nothing is written down.
pub fn person(app: &App, snapshot: &Snapshot, client: &ProxyClient, person: &Person) -> Shown {
    let groups = identity::group_names(snapshot, person);
    identity::shown(app, client, &person.user, &groups).unwrap_or_else(|UnportableName| {
        let username = &person.user.profile.username;
        let refusal = format!(
            "the username {username} cannot be told in a header: only letters, digits and @ + . _ - can; they are not let \
             through"
        );
        Shown { headers: Vec::new(), left_out: Vec::new(), refusal: Some(refusal) }
    })
}

impl Shown {
    /// What the application reads about somebody: from the header of the provider's own, or else from authentik's. `None`
    /// for an empty one, which proxies do not pass on.
    pub fn value(&self, client: &ProxyClient, identity: Identity) -> Option<&str> {
        let own = client.provider.profile.headers.get(&identity).map(|name| name.to_ascii_lowercase());
        let name = own.or_else(|| authentik(identity).map(str::to_owned))?;
        let (_, value) = self.headers.iter().find(|(found, _)| *found == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }
}

fn authentik(identity: Identity) -> Option<&'static str> {
    match identity {
        Identity::Username => Some("x-authentik-username"),
        Identity::Groups => Some("x-authentik-groups"),
        Identity::Email => Some("x-authentik-email"),
        Identity::Name => Some("x-authentik-name"),
        Identity::Uid => Some("x-authentik-uid"),
        Identity::FirstName | Identity::LastName => None,
    }
}
