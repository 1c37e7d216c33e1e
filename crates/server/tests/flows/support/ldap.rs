//! An LDAP listener of a test application, and clients for it.

use doorward_core::{
    access_rule::AccessRule,
    application::{Application, ApplicationProfile},
    id::{ApplicationId, LdapProviderId},
    ldap_provider::{DEFAULT_BASE_DN, LdapProfile, LdapProvider},
    secret::Secret,
    user::{User, UserProfile, UserType},
};
use doorward_protocols::ldap::dn;
use doorward_server::{
    directory::{
        app_passwords::{self, NewAppPassword},
        users,
    },
    jobs::Jobs,
    ldap::{Security, Server},
    listen::TlsFiles,
};
use doorward_store as store;
use ldap3::{Ldap, LdapConnAsync, Scope, SearchEntry};
use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};

use super::{PASSWORD, TestApp};

/// A listener with an application and its service account.
pub(crate) struct LdapTest {
    pub address: SocketAddr,
    pub ldaps: SocketAddr,
    pub application: ApplicationId,
    pub base: String,
    pub reader: User,
    pub reader_password: Secret<String>,
    jobs: Jobs,
}

impl LdapTest {
    /// One application with the default base DN, open to everyone.
    pub(crate) async fn new(app: &TestApp) -> Self {
        Self::with(app, |_, _| {}).await
    }

    pub(crate) async fn with(app: &TestApp, change: impl FnOnce(&mut ApplicationProfile, &mut LdapProfile)) -> Self {
        let mut profile = UserProfile::named("netbox-ldap");
        profile.user_type = UserType::ServiceAccount;
        let new = users::NewUser { profile, password: None, groups: BTreeSet::new() };
        let reader = users::create(&app.app, &app.actor(), new).await.unwrap();
        let mut application = ApplicationProfile::new("netbox", "NetBox");
        application.access = AccessRule::Everyone;
        let mut provider = LdapProfile::new(DEFAULT_BASE_DN);
        provider.searchers.insert(reader.id);
        change(&mut application, &mut provider);
        let application = add(app, application, provider).await;
        let new = NewAppPassword {
            user: reader.id,
            name: "LDAP".into(),
            application: Some(application.application),
            expires_at: None,
        };
        let (_, reader_password) = app_passwords::create(&app.app, &app.actor(), new).await.unwrap();
        let jobs = Jobs::default();
        let tls = TlsFiles::self_signed(app.dir.path(), &app.app.config.public_url).unwrap();
        let tls = Arc::new(tls.server_config().unwrap());
        let address = serve(app, Security::Plain(Some(tls.clone())), &jobs);
        let ldaps = serve(app, Security::Tls(tls), &jobs);
        let base = application.profile.base_dn.clone();
        Self { address, ldaps, application: application.application, base, reader, reader_password, jobs }
    }

    /// A connection of nobody.
    pub(crate) async fn connect(&self) -> Ldap {
        let (connection, ldap) = LdapConnAsync::new(&format!("ldap://{}", self.address)).await.unwrap();
        self.jobs.spawn(async move { drop(connection.drive().await) });
        ldap
    }

    /// A connection of the service account.
    pub(crate) async fn reader(&self) -> Ldap {
        let mut ldap = self.connect().await;
        let bound = ldap.simple_bind(&self.user("netbox-ldap"), self.reader_password.expose()).await.unwrap();
        assert_eq!(bound.rc, 0, "{}", bound.text);
        ldap
    }

    /// A connection of a user.
    pub(crate) async fn bound(&self, username: &str) -> Ldap {
        let mut ldap = self.connect().await;
        assert_eq!(code(&mut ldap, &self.user(username), PASSWORD).await, 0);
        ldap
    }

    pub(crate) fn user(&self, username: &str) -> String {
        format!("cn={},ou=users,{}", dn::escape(username), self.base)
    }

    pub(crate) fn group(&self, name: &str) -> String {
        format!("cn={},ou=groups,{}", dn::escape(name), self.base)
    }

    /// The DNs that a search of the whole tree finds, sorted.
    pub(crate) async fn found(&self, ldap: &mut Ldap, filter: &str) -> Vec<String> {
        let mut dns: Vec<String> =
            search(ldap, &self.base, filter, &["1.1"]).await.into_iter().map(|entry| entry.dn).collect();
        dns.sort();
        dns
    }

    /// The names that a search of the whole tree finds, sorted.
    pub(crate) async fn names(&self, ldap: &mut Ldap, filter: &str) -> Vec<String> {
        let first = |dn: String| dn.split(',').next().unwrap_or_default().to_owned();
        self.found(ldap, filter).await.into_iter().map(first).collect()
    }

    /// One entry, with the attributes asked for.
    pub(crate) async fn entry(&self, ldap: &mut Ldap, dn: &str, attributes: &[&str]) -> SearchEntry {
        let (entries, _) =
            ldap.search(dn, Scope::Base, "(objectClass=*)", attributes).await.unwrap().success().unwrap();
        assert_eq!(entries.len(), 1, "{dn}");
        SearchEntry::construct(entries.into_iter().next().unwrap())
    }
}

fn serve(app: &TestApp, security: Security, jobs: &Jobs) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(app.app.clone(), jobs.clone());
    jobs.spawn_to_end(async move { server.serve(listener, security).await.unwrap() });
    address
}

/// Adds an application with an LDAP provider.
pub(crate) async fn add(app: &TestApp, profile: ApplicationProfile, provider: LdapProfile) -> LdapProvider {
    let application = Application { id: ApplicationId::new(&app.clock), profile, created_at: app.clock.now() };
    let provider = LdapProvider { id: LdapProviderId::new(&app.clock), application: application.id, profile: provider };
    let kept = provider.clone();
    let work = app.app.change(move |tx| {
        Box::pin(async move {
            store::application::insert(tx, &application).await?;
            let key = dn::parse(kept.profile.base_dn.as_bytes()).unwrap().normalized();
            store::ldap_provider::insert(tx, &kept, &key).await
        })
    });
    work.await.unwrap();
    provider
}

/// The result code of a bind.
pub(crate) async fn code(ldap: &mut Ldap, name: &str, password: &str) -> u32 {
    ldap.simple_bind(name, password).await.unwrap().rc
}

/// A search of a whole tree that goes well.
pub(crate) async fn search(ldap: &mut Ldap, base: &str, filter: &str, attributes: &[&str]) -> Vec<SearchEntry> {
    let (entries, result) = ldap.search(base, Scope::Subtree, filter, attributes).await.unwrap().success().unwrap();
    assert_eq!(result.rc, 0);
    entries.into_iter().map(SearchEntry::construct).collect()
}

/// Values of an attribute, sorted.
pub(crate) fn values(entry: &SearchEntry, name: &str) -> Vec<String> {
    let mut values = entry.attrs.get(name).cloned().unwrap_or_default();
    values.sort();
    values
}
