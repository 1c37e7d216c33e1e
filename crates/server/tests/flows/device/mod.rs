//! Device codes (RFC 8628): televisions, terminals, scripts without a browser.

mod limits;
mod page;
mod phishing;
mod races;
mod tokens;

use crate::support::{Browser, OAuthClient, Page, TestApp, TokenAnswer};
use doorward_core::{application::ApplicationProfile, grant_type::GrantType, provider::ProviderProfile};

const DEVICE: &str = "/application/o/device/";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a device was given.
#[derive(Debug, Clone)]
struct Codes {
    device_code: String,
    user_code: String,
}

/// An application that may use device codes.
async fn application(app: &TestApp, slug: &str) -> OAuthClient {
    application_with(app, slug, |_, _| {}).await
}

async fn application_with(
    app: &TestApp,
    slug: &str,
    change: impl FnOnce(&mut ApplicationProfile, &mut ProviderProfile),
) -> OAuthClient {
    let registered = app.application_with(slug, |profile, provider| {
        provider.grant_types.insert(GrantType::DeviceCode);
        change(profile, provider);
    });
    app.client(&registered.await)
}

/// A device asks, as authentik's clients do: with the client ID alone.
async fn ask(client: &OAuthClient, scope: &str) -> TokenAnswer {
    client.send(DEVICE, None, &[("client_id", &client.client_id), ("scope", scope)]).await
}

async fn begin(client: &OAuthClient, scope: &str) -> Codes {
    let answer = ask(client, scope).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    Codes { device_code: answer.text("device_code"), user_code: answer.text("user_code") }
}

/// The device asks for its tokens.
async fn poll(client: &OAuthClient, codes: &Codes) -> TokenAnswer {
    client.token(&[("grant_type", GRANT), ("device_code", &codes.device_code)]).await
}

/// Somebody types a code.
async fn type_code(browser: &mut Browser, code: &str) -> Page {
    let csrf = browser.get("/device").await.hidden("csrf");
    browser.request("POST", "/device", Some(&[("csrf", &csrf), ("code", code)])).await
}

/// Somebody answers the question.
async fn answer(browser: &mut Browser, question: &Page, decision: &str) -> Page {
    assert!(question.body.contains("id=\"allow\""), "no question: {} {}", question.status, question.text());
    browser.submit(question, "/device", &[("decision", decision)]).await
}

/// Types a code and allows it.
async fn allow(browser: &mut Browser, codes: &Codes) {
    let question = type_code(browser, &codes.user_code).await;
    let done = answer(browser, &question, "allow").await;
    assert!(done.status == 200 && done.body.contains("id=\"device-allowed\""), "{} {}", done.status, done.text());
}
