//! The same requests, right and wrong, to Doorward and to npm's oidc-provider, a certified OpenID provider, with the same clients
//! and the same person signed in. What differs is listed in `differences.rs`, with the reason, and nothing else does.
//!
//! - `cases.rs` has the requests, a line each (`request.rs` says how they are written).
//! - `side.rs` sends one to one of the servers, follows it to where it leaves the server or to a page, and makes the codes and
//!   tokens that it needs.
//! - `answer.rs` brings an answer down to what can be compared: status, content type, where it leads and by which way (query,
//!   fragment, form post), the names of its parameters or members, error codes, `Cache-Control`, `WWW-Authenticate` and CORS.
//!   Descriptions, random values, lifetimes and the look of pages are each server's own. Whether a method that there is none for is
//!   404 or 405 is the framework's.
//!
//! A new version of oidc-provider is a new lock file in `crates/e2e/oidc-provider`; the differences that it brings are printed in the
//! form in which they stand in the list. `DOORWARD_TEST_ONLY=text` asks only the requests in which that text stands, and prints both
//! answers.

mod answer;
mod cases;
mod differences;
mod peer;
mod request;
mod side;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use doorward_e2e::doorward::Doorward;
use doorward_e2e::environment;

use crate::answer::Facets;
use crate::differences::DIFFERENCES;
use crate::peer::Peer;
use crate::request::Request;
use crate::side::{CALLBACK, CALLBACK_WITH_QUERY, Clients, GOODBYE, Side};

/// Clients by name, how they authenticate at oidc-provider, and what else Doorward is told of them.
const CLIENTS: [(&str, &str, &[&str]); 4] = [
    ("web", "client_secret_basic", EVERY_GRANT),
    ("post", "client_secret_post", EVERY_GRANT),
    ("other", "client_secret_basic", EVERY_GRANT),
    ("public", "none", &["--public", "--grant-types", "authorization_code,implicit,hybrid,refresh_token,device_code"]),
];

const EVERY_GRANT: &[&str] =
    &["--grant-types", "authorization_code,implicit,hybrid,refresh_token,client_credentials,device_code"];

/// Where Doorward's endpoints are; the last ones are those of the application.
const OURS: [(&str, &str); 9] = [
    ("authorize", "/application/o/authorize/"),
    ("token", "/application/o/token/"),
    ("userinfo", "/application/o/userinfo/"),
    ("introspect", "/application/o/introspect/"),
    ("revoke", "/application/o/revoke/"),
    ("device", "/application/o/device/"),
    ("end_session", "/application/o/web/end-session/"),
    ("discovery", "/application/o/web/.well-known/openid-configuration"),
    ("jwks", "/application/o/web/jwks/"),
];

const THEIRS: [(&str, &str); 9] = [
    ("authorize", "/auth"),
    ("token", "/token"),
    ("userinfo", "/me"),
    ("introspect", "/token/introspection"),
    ("revoke", "/token/revocation"),
    ("device", "/device/auth"),
    ("end_session", "/session/end"),
    ("discovery", "/.well-known/openid-configuration"),
    ("jwks", "/jwks"),
];

/// A Doorward with Alice and the clients.
async fn doorward() -> Result<(Doorward, Vec<(&'static str, doorward_e2e::application::Application)>)> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_group("netbox-users", &["alice"])?;
    let mut clients = Vec::new();
    for (name, _, more) in CLIENTS {
        let mut arguments = vec!["--redirect-uri", CALLBACK_WITH_QUERY, "--logout-uri", GOODBYE, "--consent", "never"];
        for scope in ["openid", "profile", "email", "offline_access"] {
            arguments.extend(["--scope", scope]);
        }
        arguments.extend(more);
        clients.push((name, doorward.add_application(name, CALLBACK, &arguments)?));
    }
    doorward.settle().await;
    Ok((doorward, clients))
}

async fn peer(clients: &Clients) -> Result<Peer> {
    let methods = clients.iter().zip(CLIENTS).map(|((_, client), (_, method, _))| (client, method));
    Peer::start(&methods.collect::<Vec<_>>()).await
}

/// Facets in which answers differ, written as they stand in the list.
fn difference(ours: &Facets, theirs: &Facets) -> String {
    let facets: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    // Doorward lets caches keep nothing but public documents; that the other does not say so everywhere is no difference.
    let is_same = |facet: &str| ours.get(facet) == theirs.get(facet) || facet == "cache" && ours.contains_key(facet);
    let value = |answer: &Facets, facet: &str| answer.get(facet).map_or("-", String::as_str).to_owned();
    let different = facets.into_iter().filter(|facet| !is_same(facet));
    let shown: Vec<_> =
        different.map(|facet| format!("{facet}: {} | {}", value(ours, facet), value(theirs, facet))).collect();
    shown.join("; ")
}

/// What came back; that nothing came is an answer as well.
async fn asked_of(side: &Side<'_>, request: &Request) -> Facets {
    side.answer(request).await.unwrap_or_else(|error| Facets::from([("failed", format!("{error:#}"))]))
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_differ_from_oidc_providers_only_where_they_are_meant_to() -> Result<()> {
    let (doorward, clients) = doorward().await?;
    let peer = peer(&clients).await?;
    let ours = Side::new(doorward.url(""), true, &OURS, &clients).await?;
    let theirs = Side::new(peer.issuer(), false, &THEIRS, &clients).await?;

    let only = environment::optional("DOORWARD_TEST_ONLY");
    let (mut unexpected, mut asked) = (Vec::new(), BTreeSet::new());
    for line in cases::cases().filter(|line| line.contains(&only)) {
        ensure!(asked.insert(line), "asked twice: {line}");
        let request = line.parse()?;
        let (our, their) = (asked_of(&ours, &request).await, asked_of(&theirs, &request).await);
        if !only.is_empty() {
            println!("{line}\n  ours   {our:?}\n  theirs {their:?}");
        }
        let listed = DIFFERENCES.iter().find(|(request, ..)| *request == line).map_or("", |(_, expected, _)| *expected);
        let found = difference(&our, &their);
        ensure!(our.contains_key("status") || our != their, "neither answers {line}: {our:?}");
        if found != listed {
            unexpected.push(format!("({line:?}, {found:?}, {listed:?}),"));
        }
    }
    ensure!(unexpected.is_empty(), "{} of {}:\n{}", unexpected.len(), asked.len(), unexpected.join("\n"));
    for (request, ..) in DIFFERENCES {
        ensure!(!only.is_empty() || asked.contains(request), "listed, but not asked: {request}");
    }
    ensure!(!only.is_empty() || asked.len() >= 200, "only {} requests", asked.len());
    Ok(())
}
