//! Telling applications of sign-outs, against an application that listens.

mod administrators;
mod back_channel;
mod expired;
mod front_channel;
mod initiated;
mod queue;
mod session_state;

use crate::support::{Browser, OAuthClient, TestApp};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use doorward_core::provider::LogoutMethod;
use doorward_server::{app::App, jobs::Jobs, snapshot::Client};
use doorward_store::logout_notice::LogoutNotice;
use jiff::SignedDuration;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Where the applications in these tests want browsers to come back to.
const BYE: &str = "https://netbox.example.org/bye/";

/// How the listening application behaves.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Answers(u16),
    Slow(Duration),
}

/// What an application was told.
#[derive(Debug, Clone)]
struct Told {
    content_type: String,
    body: String,
}

/// An application's back channel.
#[derive(Clone)]
struct Receiver {
    url: String,
    inside: Arc<Mutex<(Mood, Vec<Told>)>>,
}

impl Receiver {
    async fn start() -> Self {
        let inside = Arc::new(Mutex::new((Mood::Answers(200), Vec::new())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/backchannel?x=1", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(inside.clone());
        Jobs::default().spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inside }
    }

    fn is(&self, mood: Mood) {
        self.inside.lock().unwrap().0 = mood;
    }

    fn told(&self) -> Vec<Told> {
        self.inside.lock().unwrap().1.clone()
    }
}

async fn receive(State(inside): State<Arc<Mutex<(Mood, Vec<Told>)>>>, headers: HeaderMap, body: Bytes) -> Response {
    let content_type = headers.get("content-type").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let mood = {
        let mut inside = inside.lock().unwrap();
        inside.1.push(Told { content_type, body });
        inside.0
    };
    match mood {
        Mood::Answers(302) => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        Mood::Answers(status) => (StatusCode::from_u16(status).unwrap(), "no\u{1b}[31m such session").into_response(),
        Mood::Slow(time) => {
            tokio::time::sleep(time).await;
            StatusCode::OK.into_response()
        }
    }
}

/// An application that is told, and Doorward.
struct Scene {
    app: TestApp,
    receiver: Receiver,
    made: Arc<Client>,
    client: OAuthClient,
}

impl Scene {
    async fn new(app: TestApp) -> Self {
        let receiver = Receiver::start().await;
        let made = application(&app, "told", &receiver.url, LogoutMethod::Backchannel).await;
        let client = app.client(&made);
        Self { app, receiver, made, client }
    }

    /// Somebody who is signed in at Doorward and at the application, and their ID token's claims and text.
    async fn arrives(&self, username: &str) -> (Browser, serde_json::Map<String, serde_json::Value>, String) {
        let mut browser = self.app.signed_in(username).await;
        let answer = self.client.exchange(&self.client.code(&mut browser, &[]).await).await;
        (browser, answer.claims("id_token"), answer.text("id_token"))
    }

    async fn waiting(&self) -> Vec<LogoutNotice> {
        waiting(&self.app.app).await
    }

    fn passes(&self, seconds: i64) {
        self.app.clock.advance(SignedDuration::from_secs(seconds));
    }

    async fn step(&self) -> usize {
        doorward_server::oidc::logout::worker::step(&self.app.app).await.unwrap()
    }
}

async fn application(app: &TestApp, slug: &str, logout_uri: &str, method: LogoutMethod) -> Arc<Client> {
    app.application_with(slug, |_, provider| {
        provider.logout_uri = logout_uri.to_owned();
        provider.logout_method = method;
    })
    .await
}

/// Everything in the queue.
async fn waiting(app: &App) -> Vec<LogoutNotice> {
    let read = app.db.read(|tx| {
        Box::pin(async move {
            tx.fetch(
                "SELECT id, provider_id, user_id, subject, sid, created_at, due_at, attempts, leased_until, last_error \
                 FROM logout_notices ORDER BY id",
                &[],
            )
            .await
        })
    });
    read.await.unwrap()
}

async fn said(app: &App, part: &str) -> Vec<String> {
    let events = doorward_server::events::newest(app, 500).await.unwrap();
    events.into_iter().rev().map(|event| event.text).filter(|text| text.contains(part)).collect()
}

fn end_session(client: &OAuthClient, fields: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("/application/o/{}/end-session/?{query}", client.slug)
}

async fn is_signed_in(browser: &mut Browser, client: &OAuthClient) -> bool {
    browser.get(&client.authorize(&[("prompt", "none")])).await.redirect_parameter("code").is_some()
}
