//! The relying party of the certification suite: what it registers, asks, fills in and checks.

pub(crate) mod answer;
pub(crate) mod browse;
pub(crate) mod claims;
pub(crate) mod flow;
pub(crate) mod html;
pub(crate) mod id_token;
pub(crate) mod logout;
pub(crate) mod request;
pub(crate) mod set_up;
pub(crate) mod token;

pub(crate) use request::{AuthorizationRequest, CALLBACK};

use jiff::SignedDuration;
use serde_json::Value;
use std::collections::BTreeMap;

use crate::{
    support::{Browser, OAuthClient, TestApp},
    variant::Variant,
};

/// The outside address of the server under test.
pub(crate) const ORIGIN: &str = "https://id.example.org";

/// One run of a module: a server of its own, set up as `conformance/prepare` does, and a browser without cookies.
pub(crate) struct Run {
    pub op: TestApp,
    pub variant: Variant,
    /// `client` of the suite's configuration.
    pub client: OAuthClient,
    /// `client2`.
    pub client2: OAuthClient,
    /// `client_secret_post`.
    pub client_secret_post: OAuthClient,
    pub browser: Browser,
    pub metadata: Value,
    /// The server's public keys.
    pub keys: Vec<Value>,
}

impl Run {
    /// A request of the first client.
    pub(crate) fn request(&self) -> AuthorizationRequest {
        AuthorizationRequest::new(&self.client, self.variant)
    }

    /// Where the suite sleeps, time passes.
    pub(crate) fn wait(&self, seconds: i64) {
        self.op.clock.advance(SignedDuration::from_secs(seconds));
    }
}

/// Shannon's entropy of a text in bits, as the suite reckons it.
pub(crate) fn entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    for c in text.chars() {
        *counts.entry(c).or_default() += 1;
    }
    let total = f64::from(u32::try_from(text.chars().count()).unwrap());
    counts.values().map(|count| f64::from(*count)).map(|count| -count * (count / total).log2()).sum()
}
