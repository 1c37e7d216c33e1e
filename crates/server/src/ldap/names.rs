//! Where things stand in a provider's tree, and which entry a distinguished name means.

use doorward_protocols::ldap::{
    dn::{self, Dn, normalize_value},
    schema,
};

/// The kinds of entries below the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `ou=users`: people and service accounts.
    User,
    /// `ou=groups`.
    Group,
    /// `ou=virtual-groups`: every user's own group.
    VirtualGroup,
}

impl Kind {
    /// All of them, in the order in which a search goes through them.
    pub const ALL: [Self; 3] = [Self::User, Self::Group, Self::VirtualGroup];

    /// The `ou` of its container.
    pub fn ou(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
            Self::VirtualGroup => "virtual-groups",
        }
    }
}

/// The names of a provider's tree, prepared.
#[derive(Debug, Clone)]
pub struct Names {
    /// The base DN as the administrator wrote it.
    pub base: String,
    parsed: Dn,
    containers: [String; 3],
}

/// What a distinguished name below a base means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The base itself.
    Base,
    /// A container.
    Container(Kind),
    /// An entry in a container, by its `cn` in the form that is compared. It need not exist.
    Entry(Kind, String),
    /// Nothing could be there. The container above it that is there, if one is.
    Nowhere(Option<Kind>),
}

impl Names {
    /// Prepares the names below a base DN, which was checked when it was kept.
    pub fn new(base_dn: &str) -> Self {
        let base = base_dn.trim().to_owned();
        let parsed = dn::parse(base.as_bytes()).unwrap_or_default();
        let containers = Kind::ALL.map(|kind| format!("ou={},{base}", kind.ou()));
        Self { base, parsed, containers }
    }

    /// The DN of a container.
    pub fn container(&self, kind: Kind) -> &str {
        let [users, groups, virtual_groups] = &self.containers;
        match kind {
            Kind::User => users,
            Kind::Group => groups,
            Kind::VirtualGroup => virtual_groups,
        }
    }

    /// The first name of the base, if it is a `dc`; else empty.
    pub fn dc(&self) -> &str {
        let first = self.parsed.rdns().first().and_then(single);
        first.filter(|(attribute, _)| *attribute == "dc").map_or("", |(_, value)| value)
    }

    /// How many names a base DN has: of several bases that fit, the longest counts.
    pub fn depth(&self) -> usize {
        self.parsed.rdns().len()
    }

    /// Whether a name is the base or lies below it.
    pub fn holds(&self, dn: &Dn) -> bool {
        dn.ends_with(&self.parsed)
    }

    /// The steps of a name that lie below the base; `None` if it does not lie here.
    fn below<'d>(&self, dn: &'d Dn) -> Option<&'d [dn::Rdn]> {
        let count = dn.rdns().len().checked_sub(self.depth())?;
        dn.rdns().get(..count).filter(|_| self.holds(dn))
    }

    /// What a name means here; `None` if it does not lie here.
    pub fn place(&self, dn: &Dn) -> Option<Place> {
        Some(match self.below(dn)? {
            [] => Place::Base,
            [container] => kind_of(container).map_or(Place::Nowhere(None), Place::Container),
            [leaf, container] => match (kind_of(container), single(leaf)) {
                (Some(kind), Some(("cn", value))) => Place::Entry(kind, normalize_value(value)),
                (kind, _) => Place::Nowhere(kind),
            },
            [.., container] => Place::Nowhere(kind_of(container)),
        })
    }

    /// The login name that a bind DN stands for: as in authentik, its `cn` (also `uid`), wherever below the base it is
    /// said to be, but not among groups.
    pub fn login_name<'d>(&self, dn: &'d Dn) -> Option<&'d str> {
        let own = self.below(dn)?;
        if own.iter().any(|rdn| matches!(kind_of(rdn), Some(Kind::Group | Kind::VirtualGroup))) {
            return None;
        }
        let (attribute, value) = single(own.first()?)?;
        matches!(attribute, "cn" | "uid").then_some(value)
    }

    /// Whether `name@domain` means this base: its `dc` parts joined by dots.
    pub fn is_domain(&self, domain: &str) -> bool {
        let parts = self.parsed.rdns().iter().map(single);
        let parts: Option<Vec<&str>> =
            parts.map(|part| part.filter(|(attribute, _)| *attribute == "dc").map(|(_, value)| value)).collect();
        parts.is_some_and(|parts| !parts.is_empty() && parts.join(".").eq_ignore_ascii_case(domain))
    }
}

fn single(rdn: &dn::Rdn) -> Option<(&str, &str)> {
    match rdn.pairs() {
        // By its usual name, however it was written: `CN`, `commonName`, `2.5.4.3`.
        [(attribute, value)] => {
            let name = schema::find(attribute.as_bytes()).map_or(attribute.as_str(), |kind| kind.name());
            Some((name, value.as_str()))
        }
        _ => None,
    }
}

fn kind_of(rdn: &dn::Rdn) -> Option<Kind> {
    let (attribute, value) = single(rdn)?;
    let value = normalize_value(value);
    Kind::ALL.into_iter().find(|kind| attribute == "ou" && kind.ou() == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new("DC=ldap,DC=goauthentik,DC=io")
    }

    fn place(text: &str) -> Option<Place> {
        names().place(&dn::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn names_mean_places() {
        assert_eq!(place("dc=LDAP, dc=goauthentik, dc=io"), Some(Place::Base));
        assert_eq!(place("OU=Users,dc=ldap,dc=goauthentik,dc=io"), Some(Place::Container(Kind::User)));
        let entry = Place::Entry(Kind::Group, "net, box".to_owned());
        assert_eq!(place("cn=Net\\, Box,ou=groups,dc=ldap,dc=goauthentik,dc=io"), Some(entry));
        assert_eq!(place("cn=a,cn=b,ou=users,dc=ldap,dc=goauthentik,dc=io"), Some(Place::Nowhere(Some(Kind::User))));
        assert_eq!(place("uid=a,ou=users,dc=ldap,dc=goauthentik,dc=io"), Some(Place::Nowhere(Some(Kind::User))));
        assert_eq!(place("ou=elsewhere,dc=ldap,dc=goauthentik,dc=io"), Some(Place::Nowhere(None)));
        assert_eq!(place("dc=goauthentik,dc=io"), None);
        assert_eq!(place(""), None);
    }

    #[test]
    fn bind_names_are_people() {
        let login = |text: &str| names().login_name(&dn::parse(text.as_bytes()).unwrap()).map(str::to_owned);
        let base = "dc=ldap,dc=goauthentik,dc=io";
        assert_eq!(login(&format!("cn=Alice,ou=users,{base}")).as_deref(), Some("Alice"));
        assert_eq!(login(&format!("uid=alice,ou=users,{base}")).as_deref(), Some("alice"));
        assert_eq!(login(&format!("cn=alice,{base}")).as_deref(), Some("alice"));
        assert_eq!(login(&format!("cn=alice,ou=groups,{base}")), None);
        assert_eq!(login(&format!("cn=alice,ou=virtual-groups,{base}")), None);
        assert_eq!(login(&format!("mail=alice,ou=users,{base}")), None);
        assert_eq!(login(base), None);
        assert_eq!(login("cn=alice,ou=users,dc=example,dc=org"), None);
    }

    #[test]
    fn domains_are_bases_joined() {
        assert!(names().is_domain("ldap.goauthentik.IO"));
        assert!(!names().is_domain("goauthentik.io") && !names().is_domain(""));
        assert!(!Names::new("o=example").is_domain("example"));
    }
}
