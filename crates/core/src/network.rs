//! Networks: from where an application may be used.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, net::IpAddr};

/// Most networks an application may have.
pub const NETWORKS_MAX: usize = 50;

/// From where somebody asks. There is no default: whoever asks about access must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The person's own program, at this address: a browser, or whatever signs in through a proxy.
    Browser(IpAddr),
    /// The application on the person's behalf (token endpoint, userinfo, LDAP). Its address says nothing about where the
    /// person is, so networks are not looked at.
    Server,
}

/// The networks an application may be used from. None means any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Networks(BTreeSet<IpNet>);

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It cannot be read.
    #[error("\"{0}\" is neither an address nor a network; write it like 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32")]
    Unreadable(String),
    /// It has bits beyond its prefix, so that two things could be meant.
    #[error(
        "\"{given}\" is both an address and a network; write {network} for the network, or {address} for one address"
    )]
    Ambiguous {
        /// As written.
        given: String,
        /// The whole network.
        network: IpNet,
        /// The address alone.
        address: IpAddr,
    },
    /// An IPv4 network in IPv6 dress: addresses are compared in their plain form, so it would never match.
    #[error("\"{0}\" is an IPv4 network written as IPv6; write the IPv4 network")]
    Mapped(String),
    /// There are too many.
    #[error("there may be at most {NETWORKS_MAX} networks")]
    TooMany,
}

/// Reads a network, or an address as the network that holds only it.
///
/// # Errors
/// If it cannot be read, or could be meant in two ways.
pub fn parse(text: &str) -> Result<IpNet, NetworkError> {
    let text = text.trim();
    let unreadable = |_| NetworkError::Unreadable(text.chars().take(60).collect());
    let network: IpNet = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(unreadable)?;
    if network.trunc() != network {
        let (network, address) = (network.trunc(), network.addr());
        return Err(NetworkError::Ambiguous { given: text.to_owned(), network, address });
    }
    match network {
        IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => Err(NetworkError::Mapped(text.to_owned())),
        network => Ok(network),
    }
}

impl Networks {
    /// Reads networks, one per text; empty texts and repetitions are left out.
    ///
    /// # Errors
    /// The first that is wrong, or that there are too many.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NetworkError> {
        let mut networks = BTreeSet::new();
        for text in texts.into_iter().filter(|text| !text.trim().is_empty()) {
            networks.insert(parse(text)?);
            if networks.len() > NETWORKS_MAX {
                return Err(NetworkError::TooMany);
            }
        }
        Ok(Self(networks))
    }

    /// Whether any place will do.
    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.is_any()
    }

    /// The networks, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }

    /// The first network that holds an address.
    pub fn holding(&self, address: IpAddr) -> Option<&IpNet> {
        let address = address.to_canonical();
        self.0.iter().find(|network| network.contains(&address))
    }

    /// Whether the application may be used from there.
    pub fn allow(&self, place: Place) -> bool {
        match place {
            Place::Server => true,
            Place::Browser(address) => self.is_any() || self.holding(address).is_some(),
        }
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("any");
        }
        let texts: Vec<String> = self.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn networks(texts: &[&str]) -> Networks {
        Networks::parse(texts.iter().copied()).unwrap()
    }

    fn from(address: &str) -> Place {
        Place::Browser(address.parse().unwrap())
    }

    #[test]
    fn none_means_any_and_one_means_only_that_one() {
        assert!(Networks::default().allow(from("203.0.113.9")));
        let inside = networks(&["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "192.0.2.7"] {
            assert!(inside.allow(from(address)), "{address}");
        }
        for address in ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1", "::10.1.2.3"] {
            assert!(!inside.allow(from(address)), "{address}");
        }
    }

    #[test]
    fn servers_are_not_asked_where_they_are() {
        assert!(networks(&["10.0.0.0/8"]).allow(Place::Server));
    }

    #[test]
    fn what_could_be_meant_in_two_ways_is_refused_with_both() {
        let error = parse("10.0.0.5/8").unwrap_err().to_string();
        assert!(error.contains("10.0.0.0/8") && error.contains("10.0.0.5 for"), "{error}");
        for (text, kind) in
            [("::ffff:10.0.0.0/104", "IPv4"), ("10.0.0.0/33", "neither"), ("lan", "neither"), ("", "neither")]
        {
            assert!(parse(text).unwrap_err().to_string().contains(kind), "{text}");
        }
    }

    #[test]
    fn there_may_be_fifty() {
        let texts: Vec<String> = (0..=NETWORKS_MAX).map(|number| format!("10.0.{number}.0/24")).collect();
        assert_eq!(Networks::parse(texts.iter().map(String::as_str)), Err(NetworkError::TooMany));
        assert_eq!(Networks::parse(texts.iter().skip(1).map(String::as_str)).unwrap().len(), NETWORKS_MAX);
    }

    #[test]
    fn they_are_kept_as_a_list_of_texts() {
        let kept = networks(&["2001:db8::/32", "10.0.0.0/8", "10.0.0.0/8", " "]);
        let json = serde_json::to_string(&kept).unwrap();
        assert_eq!(json, r#"["10.0.0.0/8","2001:db8::/32"]"#);
        assert_eq!(serde_json::from_str::<Networks>(&json).unwrap(), kept);
        assert_eq!(
            (kept.to_string().as_str(), Networks::default().to_string().as_str()),
            ("10.0.0.0/8, 2001:db8::/32", "any")
        );
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_refused_or_stays_the_same_when_written(text in "\\PC{0,40}|[0-9a-f:./]{0,40}") {
            if let Ok(network) = parse(&text) {
                prop_assert_eq!(parse(&network.to_string()), Ok(network));
            }
        }
    }
}
