//! Signing out, asked for by the application.

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::provider::LogoutMethod;
use doorward_server::jobs::Jobs;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex};

use crate::{
    rp::{
        Run, html,
        id_token::Signed,
        logout::{EndSession, POST_LOGOUT, check_returned, check_stays},
        set_up::Issuer,
    },
    support::Page,
    variant::Variant,
};

const FRONT_CHANNEL: &str = "https://suite.example.org/test/a/doorward/frontchannel_logout";

/// Somebody is signed in; their ID token.
async fn signed_in(run: &mut Run) -> Signed {
    let request = run.request();
    run.flow(&request).await.id_token().clone()
}

/// The whole request to sign out, with a module's change, after a sign-in.
async fn asked(variant: Variant, change: impl FnOnce(&mut EndSession, &Signed)) -> (Run, EndSession, Page) {
    let mut run = Run::start_with(variant, Issuer::Own, |_| {}).await;
    let id_token = signed_in(&mut run).await;
    let mut request = EndSession::new(&id_token.raw);
    change(&mut request, &id_token);
    let page = run.end_session(&request).await;
    (run, request, page)
}

/// Back with `state`, and signed out.
pub(crate) async fn oidcc_rp_initiated_logout(variant: Variant) {
    let (mut run, request, page) = asked(variant, |_, _| {}).await;
    check_returned(page.location(), &request);
    assert!(!run.is_signed_in().await);
}

/// Back without `state`, since none was sent.
pub(crate) async fn oidcc_rp_initiated_logout_no_state(variant: Variant) {
    let (mut run, request, page) = asked(variant, |request, _| request.state = None).await;
    check_returned(page.location(), &request);
    assert!(!run.is_signed_in().await);
}

/// Something is not right: a page that leads nowhere, and nobody was signed out behind their back.
async fn refused(variant: Variant, change: impl FnOnce(&mut EndSession, &Signed)) {
    let (mut run, _, page) = asked(variant, change).await;
    check_stays(&page);
    assert_eq!(page.status, 400);
    assert!(page.body.contains("The sign-out request is not right") && html::has_id(&page.body, "reference"));
    assert!(!page.body.contains("post_logout_redirect"), "{}", page.body);
    assert!(run.is_signed_in().await);
}

/// An address that is not registered.
pub(crate) async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(variant: Variant) {
    let bad = "https://suite.example.org/test/a/doorward/bad_post_logout_redirect_uri";
    refused(variant, |request, _| request.post_logout_redirect_uri = Some(bad.to_owned())).await;
}

/// The registered address with a query.
pub(crate) async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(variant: Variant) {
    refused(variant, |request, _| request.post_logout_redirect_uri = Some(format!("{POST_LOGOUT}?foo=bar"))).await;
}

/// The right ID token, with `none` for an algorithm and no signature.
pub(crate) async fn oidcc_rp_initiated_logout_modified_id_token_hint(variant: Variant) {
    refused(variant, |request, id_token| {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg": "none"}"#);
        request.id_token_hint = Some(format!("{header}.{}.", id_token.raw.split('.').nth(1).unwrap()));
    })
    .await;
}

/// An ID token with the right claims, signed by the suite: here with the client secret, as the suite does that has no key.
pub(crate) async fn oidcc_rp_initiated_logout_bad_id_token_hint(variant: Variant) {
    let mut run = Run::start_with(variant, Issuer::Own, |_| {}).await;
    let id_token = signed_in(&mut run).await;
    let mut request = EndSession::new(&id_token.raw);
    request.id_token_hint = Some(forged(&id_token, &run.client.secret));
    let page = run.end_session(&request).await;
    check_stays(&page);
    assert_eq!(page.status, 400);
    assert!(run.is_signed_in().await);
}

fn forged(id_token: &Signed, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let message = format!("{header}.{}", id_token.raw.split('.').nth(1).unwrap());
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

/// An address to return to and no hint: the person is asked, and nothing has happened yet.
pub(crate) async fn oidcc_rp_initiated_logout_no_id_token_hint(variant: Variant) {
    let (mut run, _, page) = asked(variant, |request, _| request.id_token_hint = None).await;
    check_stays(&page);
    assert!(html::has_id(&page.body, "confirm-sign-out"), "{}", page.body);
    assert!(run.is_signed_in().await);
}

/// Signed out in the end, and a page that says so.
async fn without_return(variant: Variant, change: impl FnOnce(&mut EndSession, &Signed)) {
    let (mut run, _, page) = asked(variant, change).await;
    check_stays(&page);
    let done = run.confirm(page).await;
    check_stays(&done);
    assert!(done.status == 200 && done.body.contains("You are signed out"), "{}", done.body);
    assert!(!run.is_signed_in().await);
}

pub(crate) async fn oidcc_rp_initiated_logout_no_params(variant: Variant) {
    without_return(variant, |request, _| {
        *request = EndSession { id_token_hint: None, post_logout_redirect_uri: None, state: None };
    })
    .await;
}

/// The hint alone stands for the person's "yes".
pub(crate) async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri(variant: Variant) {
    without_return(variant, |request, _| request.post_logout_redirect_uri = None).await;
}

pub(crate) async fn oidcc_rp_initiated_logout_only_state(variant: Variant) {
    without_return(variant, |request, _| {
        request.id_token_hint = None;
        request.post_logout_redirect_uri = None;
    })
    .await;
}

/// What came to the back channel: content type and body.
type Notices = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

async fn listen() -> (String, Notices) {
    let notices = Notices::default();
    let router = Router::new().route("/backchannel_logout", post(take)).with_state(notices.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/backchannel_logout", listener.local_addr().unwrap());
    Jobs::default().spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, notices)
}

async fn take(State(notices): State<Notices>, headers: HeaderMap, body: Bytes) {
    let kind = headers.get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
    notices.lock().unwrap().push((kind, body.to_vec()));
}

/// The server tells the application (OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.5), and the browser comes back.
pub(crate) async fn oidcc_backchannel_rp_initiated_logout(variant: Variant) {
    let (address, notices) = listen().await;
    let mut run = Run::start_with(variant, Issuer::Own, |provider| {
        provider.logout_uri = address;
        provider.logout_method = LogoutMethod::Backchannel;
    })
    .await;
    let id_token = signed_in(&mut run).await;
    let request = EndSession::new(&id_token.raw);
    let page = run.end_session(&request).await;
    check_returned(page.location(), &request);
    let notices = notices.lock().unwrap().clone();
    let [(kind, body)] = &notices[..] else { panic!("{} notices", notices.len()) };
    assert_eq!(kind, "application/x-www-form-urlencoded");
    let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let [(name, token)] = &fields[..] else { panic!("{fields:?}") };
    assert_eq!(name, "logout_token");
    check_logout_token(&run, &run.verified(token), &id_token);
    assert!(!run.is_signed_in().await);
}

#[track_caller]
fn check_logout_token(run: &Run, token: &Signed, id_token: &Signed) {
    let now = run.op.clock.now().as_second();
    assert_eq!(token.text("iss"), run.metadata["issuer"]);
    assert_eq!(token.text("aud"), run.client.client_id);
    assert!(token.number("iat") <= now && token.number("iat") >= now - 60);
    assert!(!token.text("jti").is_empty());
    let event =
        Map::from_iter([("http://schemas.openid.net/event/backchannel-logout".to_owned(), Value::Object(Map::new()))]);
    assert_eq!(token.claims["events"], Value::Object(event));
    assert_eq!((token.text("sub"), token.text("sid")), (id_token.text("sub"), id_token.text("sid")));
    token.has_none_of(&["nonce"]);
    assert_ne!(token.header["typ"], id_token.header["typ"], "one could be taken for the other");
}

/// The browser tells the application (OpenID Connect Front-Channel Logout 1.0, section 3), and then comes back.
pub(crate) async fn oidcc_frontchannel_rp_initiated_logout(variant: Variant) {
    let mut run = Run::start_with(variant, Issuer::Own, |provider| {
        provider.logout_uri = FRONT_CHANNEL.to_owned();
        provider.logout_method = LogoutMethod::Frontchannel;
    })
    .await;
    let id_token = signed_in(&mut run).await;
    let request = EndSession::new(&id_token.raw);
    let page = run.end_session(&request).await;
    assert_eq!((page.status, page.location()), (200, ""));
    let frames = html::attribute_of(&page.body, "iframe", "src");
    let [frame] = &frames[..] else { panic!("{frames:?} in {}", page.body) };
    let (target, query) = frame.split_once('?').unwrap();
    assert_eq!(target, FRONT_CHANNEL);
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let expected = [("iss", run.metadata["issuer"].as_str().unwrap()), ("sid", id_token.text("sid"))];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // The browser may load the frame, and goes on without a script.
    assert!(
        page.header("content-security-policy").contains("frame-src https://suite.example.org"),
        "{:?}",
        page.headers
    );
    check_returned(html::refresh(page.header("refresh")).unwrap(), &request);
    assert!(!run.is_signed_in().await);
}
