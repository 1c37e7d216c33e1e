//! Applications with an LDAP provider: made whole or not at all, changed, removed; and the service account of each.

use crate::{on_both, support::TestApp};
use doorward_core::{
    access_rule::AccessRule,
    app_password::{self, AppPassword},
    application::ApplicationProfile,
    ldap_provider::{LdapProfile, UidSource},
    method::Method,
    secret::Secret,
    user::{User, UserProfile, UserType},
};
use doorward_server::{
    applications::{
        self, ApplicationEdit, Created,
        from_recipe::{self, RecipeRequest},
        ldap,
        service_account::{self, BindAccount},
        settings::{self, Wanted},
    },
    directory::{app_passwords, groups, users},
    error::{OperationError, OperationResult},
    recipes::Style,
};
use doorward_store as store;

const BASE: &str = "dc=ldap,dc=goauthentik,dc=io";

/// What would be created for a directory of this name, open to everyone.
fn draft(app: &TestApp, slug: &str) -> ApplicationEdit {
    let mut profile = ApplicationProfile::new(slug, format!("App {slug}"));
    profile.access = AccessRule::Everyone;
    let ldap = ldap::default_profile(&app.app.snapshot(), &profile);
    ApplicationEdit { profile, oauth: None, ldap: Some(ldap), proxy: None }
}

async fn create(app: &TestApp, edit: ApplicationEdit) -> OperationResult<Created> {
    applications::create(&app.app, &app.actor(), edit, Vec::new()).await
}

async fn made(app: &TestApp, slug: &str) -> BindAccount {
    create(app, draft(app, slug)).await.unwrap().bind.unwrap()
}

fn profile(app: &TestApp, slug: &str) -> LdapProfile {
    ldap::find(&app.app, slug).unwrap().provider.profile.clone()
}

async fn user(app: &TestApp, username: &str) -> Option<User> {
    users::find_by_username(&app.app, username).await.ok()
}

/// The app password that a secret is.
async fn kept(app: &TestApp, secret: &Secret<String>) -> Option<AppPassword> {
    let hash = app_password::hash(secret.expose());
    app.app.db.read(move |tx| Box::pin(async move { store::app_password::find(tx, &hash).await })).await.unwrap()
}

fn problem(error: OperationError) -> (String, String) {
    match error {
        OperationError::Invalid(problems) => {
            let first = problems.0.into_iter().next().unwrap();
            (first.field.to_owned(), first.message)
        }
        other => panic!("{other}"),
    }
}

async fn counts(app: &TestApp) -> (usize, i64) {
    app.app.refresh().await.unwrap();
    (app.app.snapshot().applications.len(), users::list(&app.app, "", 1, 0).await.unwrap().total)
}

on_both! {
    /// The application, its provider, a service account in no group, and a password that is good for this application only.
    async fn creating_makes_all_of_it(app) {
        let bind = made(&app, "linux").await;
        assert_eq!((bind.username.as_str(), bind.dn.as_str()), ("linux-ldap", "cn=linux-ldap,ou=users,dc=ldap,dc=goauthentik,dc=io"));
        let entry = applications::find(&app.app, "linux").unwrap();
        assert_eq!(entry.methods(), [Method::Ldap]);
        let provider = profile(&app, "linux");
        assert_eq!((provider.base_dn.as_str(), provider.searchers.len()), (BASE, 1));
        assert!(provider.nested_groups && provider.code_in_password && provider.uid_source == UidSource::HashedUserId);
        let (account, member_of) = users::find(&app.app, bind.user).await.unwrap();
        assert_eq!(account.profile.user_type, UserType::ServiceAccount);
        assert!(member_of.is_empty() && provider.searchers.contains(&account.id));
        let password = kept(&app, &bind.password).await.unwrap();
        assert_eq!((password.user, password.application), (account.id, Some(entry.application.id)));
        assert!(password.is_good_for(entry.application.id, app.clock.now()) && password.expires_at.is_none());
        assert!(app.app.snapshot().by_slug("linux").is_none(), "it has no OAuth2/OpenID provider");
        assert!(applications::find_client(&app.app, "linux").is_err());
    }

    /// The second application has the slug before authentik's base DN; a name that is taken gets a number.
    async fn the_second_stands_beside_the_first(app) {
        app.user("lab-ldap", &[]).await;
        made(&app, "linux").await;
        let bind = made(&app, "lab").await;
        assert_eq!(profile(&app, "lab").base_dn, "dc=lab,dc=ldap,dc=goauthentik,dc=io");
        assert_eq!(bind.dn, "cn=lab-ldap-2,ou=users,dc=lab,dc=ldap,dc=goauthentik,dc=io");
        assert_eq!(app.app.snapshot().ldap.len(), 2);
    }

    /// What is refused leaves nothing behind.
    async fn nothing_is_made_by_half(app) {
        made(&app, "linux").await;
        let before = counts(&app).await;
        let refused = async |change: &dyn Fn(&mut ApplicationEdit)| {
            let mut edit = draft(&app, "other");
            change(&mut edit);
            problem(create(&app, edit).await.unwrap_err())
        };
        for (base_dn, words) in [
            (BASE, "App linux has this base DN"),
            ("DC=LDAP, dc=goauthentik , dc=io", "App linux has this base DN"),
            ("nonsense", "not a DN"),
            ("dc=a,,dc=b", "not a DN"),
            ("", "Give the base DN"),
        ] {
            let (field, message) = refused(&|edit| edit.ldap.as_mut().unwrap().base_dn = base_dn.into()).await;
            assert!(field == "base_dn" && message.contains(words), "{base_dn}: {message}");
        }
        let (field, _) = refused(&|edit| edit.ldap.as_mut().unwrap().gid_start_number = 2000).await;
        assert_eq!(field, "gid_start_number");
        let (field, _) = refused(&|edit| edit.profile.slug = "linux".into()).await;
        assert_eq!(field, "slug");
        assert_eq!(counts(&app).await, before);
    }

    /// Of several who take one base DN at once, one gets it, and the others leave no service accounts.
    async fn one_base_dn_has_one_application(app) {
        let edits: Vec<_> = (0..8).map(|number| draft(&app, &format!("app-{number}"))).collect();
        let results = futures::future::join_all(edits.into_iter().map(|edit| create(&app, edit))).await;
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for error in lost.into_iter().filter_map(Result::err) {
            assert_eq!(problem(error).0, "base_dn");
        }
        assert_eq!(counts(&app).await, (1, 2));
    }

    /// An application may have both, and each goes on without the other.
    async fn both_providers_in_one_application(app) {
        app.application("wiki").await;
        let profile_of_wiki = ldap::default_profile(&app.app.snapshot(), &ApplicationProfile::new("wiki", "Wiki"));
        let bind = ldap::add(&app.app, &app.actor(), "wiki", profile_of_wiki.clone()).await.unwrap();
        let entry = applications::find(&app.app, "wiki").unwrap();
        assert_eq!(entry.methods(), [Method::Oidc, Method::Ldap]);
        let again = ldap::add(&app.app, &app.actor(), "wiki", profile_of_wiki).await.unwrap_err();
        assert!(matches!(again, OperationError::Denied(_)), "{again}");
        let client = app.client(&applications::find_client(&app.app, "wiki").unwrap());
        let code = client.code(&mut app.signed_in("admin").await, &[]).await;
        assert_eq!(client.exchange(&code).await.status, 200);

        ldap::remove(&app.app, &app.actor(), "wiki").await.unwrap();
        assert_eq!(applications::find(&app.app, "wiki").unwrap().methods(), [Method::Oidc]);
        assert!(user(&app, "wiki-ldap").await.is_none() && kept(&app, &bind.password).await.is_none());
        assert!(matches!(ldap::remove(&app.app, &app.actor(), "wiki").await, Err(OperationError::NotFound { .. })));
    }

    /// Everything about an application with LDAP alone can be changed, its access rule first of all.
    async fn all_of_it_can_be_changed(app) {
        made(&app, "linux").await;
        let (staff, alice) = (app.group("staff", &[]).await, app.user("alice", &[]).await);
        let mut edit = ApplicationEdit::of(&applications::find(&app.app, "linux").unwrap());
        edit.profile.access = AccessRule::Only { groups: [staff.id].into(), users: [alice.id].into() };
        edit.profile.slug = "machines".into();
        let provider = edit.ldap.as_mut().unwrap();
        provider.base_dn = " dc=Example,dc=org ".into();
        (provider.uid_source, provider.nested_groups, provider.code_in_password) = (UidSource::Username, false, false);
        (provider.uid_start_number, provider.gid_start_number) = (10_000, 20_000);
        provider.searchers.insert(alice.id);
        let changed = applications::update(&app.app, &app.actor(), "linux", edit.clone()).await.unwrap();
        edit.ldap.as_mut().unwrap().base_dn = "dc=Example,dc=org".into();
        assert_eq!(ApplicationEdit::of(&changed), edit);
        let other = app.second_process().await;
        assert_eq!(ApplicationEdit::of(&applications::find(&other, "machines").unwrap()), edit);
        // The account made for the application is preferred to others who read everybody.
        let account = service_account::find(&app.app, changed.ldap.as_ref().unwrap()).await.unwrap().unwrap();
        assert_eq!(account.profile.username, "linux-ldap");

        made(&app, "second").await;
        let mut edit = ApplicationEdit::of(&applications::find(&app.app, "second").unwrap());
        edit.ldap.as_mut().unwrap().base_dn = "DC=example,DC=ORG".into();
        let error = applications::update(&app.app, &app.actor(), "second", edit).await.unwrap_err();
        assert_eq!(problem(error).0, "base_dn");
    }

    /// A new password takes the place of the old; an account that is gone is made again.
    async fn passwords_are_replaced(app) {
        let first = made(&app, "linux").await;
        let other = made(&app, "lab").await;
        let rotate = async || service_account::rotate_password(&app.app, &app.actor(), "linux").await.unwrap();
        let second = rotate().await;
        assert_eq!((&second.dn, second.user), (&first.dn, first.user));
        assert!(kept(&app, &first.password).await.is_none() && kept(&app, &second.password).await.is_some());
        assert!(kept(&app, &other.password).await.is_some(), "another application's stays");
        // Somebody gave it a password for another purpose: not ours to remove.
        let new = app_passwords::NewAppPassword { user: first.user, name: "other".into(), application: None, expires_at: None };
        let (_, own) = app_passwords::create(&app.app, &app.actor(), new).await.unwrap();
        let third = rotate().await;
        assert!(kept(&app, &own).await.is_some() && kept(&app, &second.password).await.is_none());

        users::delete(&app.app, &app.actor(), third.user).await.unwrap();
        app.app.refresh().await.unwrap();
        assert!(profile(&app, "linux").searchers.is_empty());
        let fourth = rotate().await;
        assert!(fourth.user != first.user && profile(&app, "linux").searchers.contains(&fourth.user));
        assert!(service_account::rotate_password(&app.app, &app.actor(), "nothing").await.is_err());
    }

    /// An application takes its own service account with it, and no account that has become something else.
    async fn removing_takes_the_account_along(app) {
        let (linux, lab) = (made(&app, "linux").await, made(&app, "lab").await);
        let staff = app.group("staff", &[]).await;
        let account = user(&app, &lab.username).await.unwrap();
        groups::add_member(&app.app, &app.actor(), staff.id, &account).await.unwrap();
        for slug in ["linux", "lab"] {
            applications::delete(&app.app, &app.actor(), slug).await.unwrap();
        }
        assert!(user(&app, "linux-ldap").await.is_none() && user(&app, "lab-ldap").await.is_some());
        assert!(kept(&app, &linux.password).await.is_none() && kept(&app, &lab.password).await.is_none());
        let person = UserProfile { user_type: UserType::Internal, ..UserProfile::named("nas-ldap") };
        let new = users::NewUser { profile: person, password: None, groups: [].into() };
        let person = users::create(&app.app, &app.actor(), new).await.unwrap();
        let mut edit = draft(&app, "nas");
        edit.ldap.as_mut().unwrap().searchers.insert(person.id);
        create(&app, edit).await.unwrap();
        applications::delete(&app.app, &app.actor(), "nas").await.unwrap();
        assert!(user(&app, "nas-ldap").await.is_some() && user(&app, "nas-ldap-2").await.is_none());
    }

    /// The account is known by its password, so that it goes along under another slug and another name, too. It cannot be
    /// given a password to sign in with. A searcher that was made by hand stays.
    async fn the_account_is_known_by_its_password(app) {
        let bind = made(&app, "linux").await;
        let refused = users::set_password(&app.app, &app.actor(), bind.user, "correct horse battery").await.unwrap_err();
        assert!(matches!(&refused, OperationError::Denied(why) if why.contains("app passwords only")), "{refused}");
        let (account, _) = users::find(&app.app, bind.user).await.unwrap();
        let renamed = UserProfile { username: "reader".into(), ..account.profile };
        users::update(&app.app, &app.actor(), bind.user, renamed, None).await.unwrap();
        let profile = UserProfile { user_type: UserType::ServiceAccount, ..UserProfile::named("nas-ldap-7") };
        let other = users::NewUser { profile, password: None, groups: [].into() };
        let other = users::create(&app.app, &app.actor(), other).await.unwrap();
        let application = Some(applications::find(&app.app, "linux").unwrap().application.id);
        let new = app_passwords::NewAppPassword { user: other.id, name: "NAS".into(), application, expires_at: None };
        app_passwords::create(&app.app, &app.actor(), new).await.unwrap();
        let mut edit = ApplicationEdit::of(&applications::find(&app.app, "linux").unwrap());
        edit.profile.slug = "nas".into();
        edit.ldap.as_mut().unwrap().searchers.insert(other.id);
        applications::update(&app.app, &app.actor(), "linux", edit).await.unwrap();
        let client = ldap::find(&app.app, "nas").unwrap();
        assert_eq!(service_account::find(&app.app, &client).await.unwrap().unwrap().id, bind.user);
        assert_eq!(service_account::own_usernames(&app.app, &client).await.unwrap(), ["reader"]);
        assert_eq!(service_account::warning(&app.app, &client).await.unwrap(), None);
        users::set_active(&app.app, &app.actor(), bind.user, false).await.unwrap();
        let warning = service_account::warning(&app.app, &client).await.unwrap().unwrap();
        assert!(warning.contains("reader is disabled"), "{warning}");
        applications::delete(&app.app, &app.actor(), "nas").await.unwrap();
        assert!(user(&app, "reader").await.is_none() && user(&app, "nas-ldap-7").await.is_some());
    }

    /// A tile for what can be opened; none for what only asks the directory.
    async fn tiles_are_for_what_can_be_opened(app) {
        made(&app, "linux").await;
        let mut edit = draft(&app, "printer");
        edit.profile.launch_url = "https://printer.example.org/".into();
        create(&app, edit).await.unwrap();
        let mut browser = app.signed_in("admin").await;
        let page = browser.get("/if/user/").await;
        assert!(page.body.contains("id=\"app-printer\"") && !page.body.contains("id=\"app-linux\""));
        let opened = browser.get("/application/launch/printer/").await;
        assert_eq!((opened.status, opened.location()), (303, "https://printer.example.org/"));
        // Their slugs have no OpenID addresses.
        assert_eq!(browser.get("/application/o/linux/.well-known/openid-configuration").await.status, 404);
    }

    /// A recipe's settings hold the password when it is new, and a placeholder later.
    async fn settings_of_recipes(app) {
        let mut request = RecipeRequest::new("netbox", "netbox", AccessRule::Everyone);
        (request.method, request.url) = (Some(Method::Ldap), Some("https://netbox.example.org".into()));
        request.superuser_groups = vec!["NetBox Admins".into()];
        let draft = from_recipe::draft(&app.app, request).unwrap();
        let Created { entry, bind } = from_recipe::create(&app.app, &app.actor(), draft).await.unwrap();
        let bind = bind.unwrap();
        let text = async |secret: Option<Secret<String>>| {
            let wanted = Wanted { secret, ..Wanted::new(Method::Ldap, Style::File) };
            settings::settings(&app.app, &entry, wanted).await.unwrap().unwrap().swap_remove(0).text
        };
        let whole = text(Some(bind.password.clone())).await;
        for part in [&bind.dn, bind.password.expose(), "ldaps://id.example.org:6636", "cn=NetBox Admins,ou=groups,dc=ldap"] {
            assert!(whole.contains(part), "{part}: {whole}");
        }
        let later = text(None).await;
        assert!(later.contains(settings::PASSWORD_PLACEHOLDER) && !later.contains(bind.password.expose()));
        assert_eq!(later.replace(settings::PASSWORD_PLACEHOLDER, bind.password.expose()), whole);
        let oidc = settings::settings(&app.app, &entry, Wanted::new(Method::Oidc, Style::File)).await.unwrap();
        assert!(oidc.is_none(), "it has no OAuth2/OpenID provider");

        let request = RecipeRequest::new("sssd", "linux", AccessRule::Everyone);
        let draft = from_recipe::draft(&app.app, request).unwrap();
        assert_eq!(draft.edit.ldap.as_ref().unwrap().uid_source, UidSource::Username);
        from_recipe::create(&app.app, &app.actor(), draft).await.unwrap();
    }
}
