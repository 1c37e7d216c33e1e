//! The doctor against a NetBox played by a few lines, and a Doorward that really listens.

use crate::{
    on_both,
    support::{CALLBACK, PASSWORD, TestApp},
};
use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use doorward_core::{application::RecipeUse, cipher::Cipher, redirect_uri::RedirectUri, secret::Secret};
use doorward_server::{
    app::App,
    doctor::{self, Options, Report, finding::Severity},
    http::slashes,
    public_url::PublicUrl,
    router::router,
};
use jiff::SignedDuration;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// A server on a port of its own, until the test ends.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// The same Doorward at an address at which it answers.
async fn listening(test: &TestApp) -> App {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = test.app.config.clone();
    config.public_url = PublicUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let app = App::start(config, test.database.open(), Cipher::new([7; 32]), test.clock.clone()).await.unwrap();
    let routes = router(app.clone());
    let merged = Router::new().fallback(move |request: Request| routes.clone().oneshot(slashes::merge(request)));
    tokio::spawn(async move { axum::serve(listener, merged).await });
    app
}

/// What the stand-in for NetBox answers.
#[derive(Clone)]
struct Stub {
    date: String,
    begin: (StatusCode, String),
}

impl Stub {
    /// A NetBox whose clock is ahead by some seconds, and which would send a browser there.
    fn new(test: &TestApp, ahead: i64, begin: String) -> Self {
        let now = test.clock.now().checked_add(SignedDuration::from_secs(ahead)).unwrap();
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Self { date, begin: (StatusCode::OK, json!({ "url": begin }).to_string()) }
    }

    async fn serve(self) -> String {
        const LOGIN: &str = "<html data-netbox-version=\"4.7.3\"><form action=\"/oauth/begin/oidc/\">\
                             <input name=\"csrfmiddlewaretoken\" value=\"abc\"></form></html>";
        let (date, other) = (self.date.clone(), self.date.clone());
        let login = get(move || async move { ([(header::DATE, date)], LOGIN) });
        let begin = post(move || async move { (self.begin.0, [(header::DATE, self.date)], self.begin.1) });
        let api = get(move || async move { (StatusCode::FORBIDDEN, [(header::DATE, other)], "{}") });
        serve(Router::new().route("/login/", login).route("/oauth/begin/oidc/", begin).route("/api/", api)).await
    }
}

/// The address that a NetBox set up rightly sends browsers to.
fn authorize(app: &App, callback: &str) -> String {
    format!(
        "{}application/o/authorize/?client_id=netbox-client&redirect_uri={callback}&response_type=code&scope=openid+profile+email\
         &code_challenge=x&code_challenge_method=S256",
        app.config.public_url
    )
}

/// A NetBox at an address, as its recipe makes it, and Alice who may use it.
async fn add_netbox(test: &TestApp, app: &App, url: &str) {
    let operators = test.group("netbox-operators", &[]).await;
    test.user("alice", &[&operators]).await;
    let url = url.to_owned();
    test.application_with("netbox", move |profile, provider| {
        let options = json!({ "superuser_groups": [], "managed_groups": [], "group_prefix": "netbox-" });
        profile.recipe = Some(RecipeUse { id: "netbox".into(), url, options });
        provider.client_id = "netbox-client".into();
        provider.redirect_uris = vec![RedirectUri::exact(CALLBACK)];
    })
    .await;
    app.refresh().await.unwrap();
}

async fn examine(app: &App, options: &Options) -> Report {
    doctor::run(app, "netbox", options, &|_| ()).await.unwrap()
}

fn ids(report: &Report, severity: Severity) -> Vec<&'static str> {
    report.of(severity).map(|finding| finding.id).collect()
}

on_both! {
    /// A set-up that works: nothing must change, and the answer has the promised shape.
    async fn a_healthy_netbox_passes(test) {
        let app = listening(&test).await;
        let url = Stub::new(&test, 0, authorize(&app, CALLBACK)).serve().await;
        add_netbox(&test, &app, &url).await;
        let report = examine(&app, &Options::default()).await;
        assert_eq!(ids(&report, Severity::Problem), Vec::<&str>::new(), "{report:#?}");
        let fine = ids(&report, Severity::Ok);
        for id in ["discovery", "application", "version", "clock", "button", "begin", "client-id", "pkce", "redirect-uri", "claims"] {
            assert!(fine.contains(&id), "no {id} in {report:#?}");
        }
        let json = json!(report);
        assert_eq!((&json["slug"], &json["problems"]), (&json!("netbox"), &json!(0)));
        let first = &json["findings"][0];
        for member in ["id", "severity", "what", "seen", "change"] {
            assert!(first.get(member).is_some(), "no {member} in {first}");
        }
    }

    /// A clock that is off, an address that is not registered, a client ID of nobody: all of them at once.
    async fn several_faults_are_told_at_once(test) {
        let app = listening(&test).await;
        let wrong = authorize(&app, "http://10.0.0.7:8001/oauth/complete/oidc/").replace("netbox-client", "pasted-elsewhere");
        let url = Stub::new(&test, -20, wrong.replace("&code_challenge=x", "")).serve().await;
        add_netbox(&test, &app, &url).await;
        let report = examine(&app, &Options::default()).await;
        assert_eq!(ids(&report, Severity::Problem), ["clock-behind", "client-id-differs", "redirect-uri-host"], "{report:#?}");
        assert!(ids(&report, Severity::Note).contains(&"pkce-missing"));
        let line = report.findings.iter().find(|finding| finding.id == "client-id-differs").unwrap();
        assert_eq!(line.change[0].text, "SOCIAL_AUTH_OIDC_KEY = 'netbox-client'");
    }

    /// The wrong secret shows nowhere but in the request that was refused; a good request afterwards clears it.
    async fn a_wrong_secret_is_known_by_the_last_request(test) {
        let app = listening(&test).await;
        let url = Stub::new(&test, 0, authorize(&app, CALLBACK)).serve().await;
        add_netbox(&test, &app, &url).await;
        let registered = test.app.snapshot().by_slug("netbox").unwrap().clone();
        let mut netbox = test.client(&registered);
        let mut browser = test.signed_in("alice").await;
        let secret = std::mem::replace(&mut netbox.secret, "pasted-elsewhere".into());
        let code = netbox.code(&mut browser, &[]).await;
        assert_eq!(netbox.exchange(&code).await.status, 401);
        let report = examine(&app, &Options::default()).await;
        assert_eq!(ids(&report, Severity::Problem), ["client-secret-refused"], "{report:#?}");
        assert!(!json!(report).to_string().contains(registered.provider.client_secret.expose()));

        test.clock.advance(SignedDuration::from_secs(2));
        netbox.secret = secret;
        let code = netbox.code(&mut browser, &[]).await;
        assert_eq!(netbox.exchange(&code).await.status, 200);
        let report = examine(&app, &Options::default()).await;
        assert!(!ids(&report, Severity::Problem).contains(&"client-secret-refused"), "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_answer_harms_neither_terminal_nor_page() {
    let test = TestApp::new(crate::support::Backend::Sqlite).await;
    let app = listening(&test).await;
    let mut stub = Stub::new(&test, 0, String::new());
    let evil = format!(
        "<pre class=\"block\">\u{1b}]0;owned\u{7}<script>alert(1)</script>&lt;img onerror=x&gt;{}</pre>",
        "x".repeat(100_000)
    );
    stub.begin = (StatusCode::INTERNAL_SERVER_ERROR, evil);
    let url = stub.serve().await;
    add_netbox(&test, &app, &url).await;
    let report = examine(&app, &Options::default()).await;
    assert_eq!(ids(&report, Severity::Problem), ["begin-failed"], "{report:#?}");
    let told = json!(report).to_string();
    assert!(!told.contains("\\u001b") && !told.contains("\\u0007") && told.len() < 20_000, "{told}");

    // The same through the page, which escapes what is left.
    let mut browser = crate::support::Browser::new(router(app));
    browser.sign_in("/if/user/", "admin", PASSWORD).await;
    let form = browser.get("/if/admin/applications/netbox/doctor/").await;
    let csrf = form.hidden("csrf");
    let page = browser.request("POST", "/if/admin/applications/netbox/doctor/", Some(&[("csrf", csrf.as_str())])).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("begin-failed") && page.body.contains("&lt;img onerror"), "{}", page.body);
    assert!(!page.body.contains("<img onerror") && !page.body.contains('\u{1b}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_followed_to_another_host_and_no_token_goes_there() {
    let test = TestApp::new(crate::support::Backend::Sqlite).await;
    let app = listening(&test).await;
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = visits.clone();
    let elsewhere = serve(Router::new().fallback(move || async move {
        counted.fetch_add(1, Ordering::SeqCst);
        "caught"
    }))
    .await;
    let target = format!("{elsewhere}/login/");
    let url = serve(
        Router::new()
            .fallback(move || async move { (StatusCode::FOUND, [(header::LOCATION, target)]).into_response() }),
    )
    .await;
    add_netbox(&test, &app, &url).await;
    let token = Some(Secret::from("0123456789abcdef0123456789abcdef01234567"));
    let report = examine(&app, &Options { token, check_headers: true, ..Options::default() }).await;
    assert!(ids(&report, Severity::Problem).contains(&"application-foreign"), "{report:#?}");
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    assert!(!json!(report).to_string().contains("0123456789abcdef"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_never_answers_takes_no_longer_than_was_said() {
    let test = TestApp::new(crate::support::Backend::Sqlite).await;
    let app = listening(&test).await;
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    add_netbox(&test, &app, &format!("http://{}", mute.local_addr().unwrap())).await;
    let start = Instant::now();
    let report = examine(&app, &Options { patience: Duration::from_secs(2), ..Options::default() }).await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(ids(&report, Severity::Problem).contains(&"application-unreachable"), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_application_is_looked_at_as_far_as_it_goes() {
    let test = TestApp::new(crate::support::Backend::Sqlite).await;
    let app = listening(&test).await;
    let wiki = serve(Router::new().fallback(|| async { "wiki" })).await;
    test.user("alice", &[]).await;
    test.application_with("wiki", move |profile, _| profile.launch_url = wiki).await;
    app.refresh().await.unwrap();
    let report = doctor::run(&app, "wiki", &Options::default(), &|_| ()).await.unwrap();
    let fine = ids(&report, Severity::Ok);
    for id in ["discovery", "application", "algorithm", "access", "claims", "activity"] {
        assert!(fine.contains(&id), "no {id} in {report:#?}");
    }
    let missing = doctor::run(&app, "nothing", &Options::default(), &|_| ()).await.unwrap_err();
    assert!(missing.to_string().contains("nothing"), "{missing}");
}
