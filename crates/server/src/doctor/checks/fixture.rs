//! A healthy NetBox, to be broken by the tests.

use doorward_core::{provider::ClientType, redirect_uri::RedirectUri};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    doctor::{
        clock::Skew,
        evidence::{
            Activity, ApplicationEnd, Begin, Evidence, Fetched, House, NetBoxEnd, OurClient, People, PersonSeen,
            PublicEnd, Seen,
        },
        finding::{Finding, Severity},
        netbox_page::{AuthorizeUrl, LoginPage},
        tls::{TlsSeen, Verdict},
    },
    recipes::{Options, Recipe},
};

pub(super) const DISCOVERY: &str = "https://id.example.org/application/o/netbox//.well-known/openid-configuration";

pub(super) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub(super) fn trusted(authority: &str) -> TlsSeen {
    TlsSeen {
        authority: authority.into(),
        here: Ok(Verdict::Trusted),
        python: Some(Verdict::Trusted),
        ends_soon: false,
    }
}

pub(super) fn netbox() -> Evidence {
    let discovery = json!({
        "issuer": "https://id.example.org/application/o/netbox/",
        "authorization_endpoint": "https://id.example.org/application/o/authorize/",
    });
    let seen =
        Seen { status: 200, content_type: "application/json".into(), text: discovery.to_string(), location: None };
    let oauth = OurClient {
        client_id: "netbox-client".into(),
        client_type: ClientType::Confidential,
        issuer: "https://id.example.org/application/o/netbox/".into(),
        algorithm: "RS256".into(),
        redirect_uris: vec![RedirectUri::exact("https://netbox.example.org/oauth/complete/oidc/")],
        scopes: scopes(),
        discovery,
    };
    Evidence {
        house: House {
            slug: "netbox".into(),
            name: "NetBox".into(),
            is_netbox: true,
            identity_headers: Vec::new(),
            upstream: None,
            has_trusted_proxies: false,
            url: "https://netbox.example.org".parse().ok(),
            launch_url: "https://netbox.example.org/login/?next=/".into(),
            options: Options {
                superuser_groups: vec!["netbox-admins".into()],
                group_prefix: Some("netbox-".into()),
                ..Options::default()
            },
            public_url: "https://id.example.org/".into(),
            oauth: Some(oauth),
            other_clients: BTreeMap::from([("wiki-client".into(), "wiki".into())]),
            groups: ["netbox-admins", "netbox-operators"].map(str::to_owned).into(),
            features: Recipe::find("netbox").unwrap().features().unwrap(),
            rsa_key: Some("default".into()),
        },
        public: Some(PublicEnd {
            discovery: Fetched { url: DISCOVERY.into(), outcome: Ok(seen) },
            single_slash: None,
            tls: Some(trusted("id.example.org:443")),
        }),
        end: Some(ApplicationEnd {
            front: Fetched {
                url: "https://netbox.example.org/login/".into(),
                outcome: Ok(Seen { status: 200, content_type: "text/html".into(), ..Seen::default() }),
            },
            tls: Some(trusted("netbox.example.org:443")),
            skew: Some(Skew { least: -300, most: 400 }),
            netbox: Some(netbox_end()),
        }),
        unknown_hosts: Vec::new(),
        people: People { is_everyone: true, count: 1, examined: vec![alice()], ..People::default() },
        activity: Activity::default(),
        ldap: None,
        proxy: None,
        headers: Vec::new(),
        inventory: None,
    }
}

fn netbox_end() -> NetBoxEnd {
    NetBoxEnd {
        login: LoginPage {
            is_netbox: true,
            version: Some((4, 7, 3)),
            csrf: Some("x".into()),
            has_button: true,
            backends: BTreeSet::from(["oidc".to_owned()]),
            has_password_form: false,
        },
        begin: Some(Begin::Sent(AuthorizeUrl {
            endpoint: "https://id.example.org/application/o/authorize/".into(),
            client_id: "netbox-client".into(),
            redirect_uri: "https://netbox.example.org/oauth/complete/oidc/".into(),
            scopes: scopes(),
            has_pkce: true,
        })),
        takes_forwarded_host: Some(false),
        api_version: Some("4.7".into()),
    }
}

fn scopes() -> BTreeSet<String> {
    ["openid", "profile", "email"].map(str::to_owned).into()
}

pub(super) fn alice() -> PersonSeen {
    PersonSeen {
        username: "alice".into(),
        email: "alice@example.org".into(),
        email_verified: true,
        userinfo: Ok(json!({
            "sub": "a", "preferred_username": "alice", "name": "Alice Example", "given_name": "Alice", "family_name": "Example",
            "email": "alice@example.org", "email_verified": true, "groups": ["netbox-operators"], "netbox_superuser": false,
        })),
        has_signed_in: true,
    }
}

/// The NetBox end of a piece of evidence.
pub(super) fn end(evidence: &mut Evidence) -> &mut NetBoxEnd {
    evidence.end.as_mut().unwrap().netbox.as_mut().unwrap()
}

/// Our client of a piece of evidence.
pub(super) fn ours(evidence: &mut Evidence) -> &mut OurClient {
    evidence.house.oauth.as_mut().unwrap()
}

/// The authorization request in a piece of evidence.
pub(super) fn request(evidence: &mut Evidence) -> &mut AuthorizeUrl {
    match end(evidence).begin.as_mut().unwrap() {
        Begin::Sent(request) => request,
        other => panic!("{other:?}"),
    }
}

/// Breaks the healthy NetBox, and gives the one finding that is worse than fine.
pub(super) fn only(break_it: impl FnOnce(&mut Evidence)) -> Finding {
    let mut evidence = netbox();
    break_it(&mut evidence);
    let found = super::all(&evidence, now());
    let mut bad: Vec<Finding> = found.into_iter().filter(|finding| finding.severity <= Severity::Note).collect();
    assert_eq!(bad.len(), 1, "{bad:#?}");
    bad.remove(0)
}

/// Identifier and severity of the one finding.
pub(super) fn named(break_it: impl FnOnce(&mut Evidence)) -> (&'static str, Severity) {
    let finding = only(break_it);
    (finding.id, finding.severity)
}

/// Whether the findings of a broken NetBox hold one of this name, and which.
pub(super) fn found(id: &str, break_it: impl FnOnce(&mut Evidence)) -> Finding {
    let mut evidence = netbox();
    break_it(&mut evidence);
    let found = super::all(&evidence, now());
    let all: Vec<_> = found.iter().map(|finding| finding.id).collect();
    found.iter().find(|finding| finding.id == id).cloned().unwrap_or_else(|| panic!("no {id} in {all:?}"))
}
