//! The NetBox connector against a NetBox that is not one.

mod cut_off;
mod faults;
mod looks;
mod push;
mod queue;
mod settings;

use crate::support::{
    CALLBACK, TestApp,
    netbox::{FakeNetBox, TOKEN},
};
use doorward_core::{
    access_rule::AccessRule,
    connector::{ConnectedPerson, ConnectorProfile, ManagedGroups},
    secret::Secret,
    user::User,
};
use doorward_server::{
    app::App,
    applications::{self, ApplicationEdit},
    connector::{
        people, queue as jobs, run, settings as connectors,
        worker::{self, Node},
    },
    snapshot::Client,
};
use jiff::SignedDuration;
use std::sync::Arc;

/// An application with a connector to a NetBox.
struct Scene {
    app: TestApp,
    netbox: FakeNetBox,
    client: Arc<Client>,
    node: Node,
}

impl Scene {
    async fn new(app: TestApp) -> Self {
        Self::with(app, |_| {}).await
    }

    /// Everyone may use the application; groups that begin with netbox- are managed.
    async fn with(app: TestApp, change: impl FnOnce(&mut ConnectorProfile)) -> Self {
        let netbox = FakeNetBox::start().await;
        let client = app.application("netbox").await;
        let mut profile = ConnectorProfile::new(netbox.url());
        profile.groups = ManagedGroups::Prefix("netbox-".into());
        change(&mut profile);
        connectors::create(&app.app, &app.actor(), "netbox", profile, Secret::from(TOKEN)).await.unwrap();
        Self { app, netbox, client, node: Node::new() }
    }

    /// Somebody signs in to NetBox, which makes their account or finds it.
    async fn signs_in(&self, username: &str) {
        self.userinfo(username).await;
    }

    /// Somebody signs in for the first time; the account's number.
    async fn arrives(&self, username: &str) -> i64 {
        self.userinfo(username).await;
        self.netbox.makes_account(username, self.app.clock.now())
    }

    async fn userinfo(&self, username: &str) {
        let mut browser = self.app.signed_in(username).await;
        let client = self.app.client(&self.client);
        let code = client.code(&mut browser, &[("redirect_uri", CALLBACK)]).await;
        let page = client.userinfo(&client.exchange(&code).await.text("access_token")).await;
        assert_eq!(page.status, 200, "{}", page.body);
    }

    /// Somebody who has an account that is linked and in line.
    async fn settled(&self, username: &str, groups: &[&doorward_core::group::Group]) -> (User, i64) {
        let user = self.app.user(username, groups).await;
        let account = self.arrives(username).await;
        self.passes(2).await;
        self.step().await;
        assert!(self.person(username).await.account.is_some_and(|linked| linked.id == account));
        (user, account)
    }

    /// Gives the application another access rule.
    async fn allow(&self, rule: AccessRule) {
        let entry = applications::find(&self.app.app, "netbox").unwrap();
        let oauth = entry.oauth.as_ref().map(|client| client.provider.profile.clone());
        let mut edit = ApplicationEdit { profile: entry.application.profile.clone(), oauth, ldap: None, proxy: None };
        edit.profile.access = rule;
        applications::update(&self.app.app, &self.app.actor(), "netbox", edit).await.unwrap();
    }

    async fn passes(&self, seconds: i64) {
        self.app.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Follows what changed and does what is due.
    async fn step(&self) -> usize {
        worker::step(&self.app.app, &self.node).await.unwrap()
    }

    async fn jobs(&self) -> Vec<jobs::JobView> {
        jobs::jobs(&self.app.app, "netbox").await.unwrap()
    }

    async fn progress(&self) -> run::Progress {
        run::progress(&self.app.app, "netbox").await.unwrap()
    }

    async fn person(&self, username: &str) -> ConnectedPerson {
        let all = people::list(&self.app.app, "netbox").await.unwrap();
        all.into_iter().find(|person| person.username == username).unwrap_or_else(|| panic!("nobody is {username}"))
    }

    /// Texts of the activity log that hold this, oldest first.
    async fn said(&self, part: &str) -> Vec<String> {
        said(&self.app.app, part).await
    }
}

async fn said(app: &App, part: &str) -> Vec<String> {
    let events = doorward_server::events::newest(app, 500).await.unwrap();
    events.into_iter().rev().map(|event| event.text).filter(|text| text.contains(part)).collect()
}
