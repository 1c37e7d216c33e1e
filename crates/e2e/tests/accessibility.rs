//! axe-core finds nothing on the pages that everybody sees, neither light nor dark.

use anyhow::{Context as _, Result};
use doorward_e2e::accessibility::check;
use doorward_e2e::application::Application;
use doorward_e2e::authenticator;
use doorward_e2e::browser::Browser;
use doorward_e2e::client::Client;
use doorward_e2e::doorward::{ADMINISTRATOR, Doorward, PASSWORD};

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

async fn every_page_passes(scheme: &str) -> Result<()> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.json(&["user", "add", "robot", "--type", "service_account"])?;
    doorward.json(&["user", "app-password", "add", "robot", "--for", "reading"])?;
    doorward.add_group("nobody-yet", &[])?;
    let application = doorward.add_application("lab-wiki", REDIRECT_URI, &[])?;
    let closed = doorward.json(&[
        "app",
        "add",
        "custom",
        "--name",
        "Closed",
        "--slug",
        "closed",
        "--redirect-uri",
        REDIRECT_URI,
        "--allow",
        "nobody-yet",
    ])?;
    let closed = Application::read(&closed)?;
    doorward.settle().await;
    let client = Client::new(&doorward, &application, REDIRECT_URI);
    let browser = Browser::start().await?;
    browser.prefer_colours(scheme).await?;
    let wants_dark = "arguments[0](matchMedia('(prefers-color-scheme: dark)').matches)";

    browser.open(&client.authorization_request(&[("prompt", "consent")])?).await?;
    browser.element("#sign-in").await?;
    assert_eq!(browser.run_script(wants_dark, Vec::new()).await?, scheme == "dark");
    check(&browser, "sign-in").await?;

    browser.sign_in("alice", "not her password").await?;
    browser.element("[role=alert]").await?;
    check(&browser, "sign-in with a wrong password").await?;

    browser.sign_in("alice", PASSWORD).await?;
    browser.element("#allow").await?;
    check(&browser, "consent").await?;

    browser.open(&client.authorization_request(&[("redirect_uri", "http://127.0.0.1:9/elsewhere")])?).await?;
    browser.element("#reference").await?;
    check(&browser, "error: unlisted redirect URI").await?;

    let refused = Client::new(&doorward, &closed, REDIRECT_URI).authorization_request(&[])?;
    browser.open(&refused).await?;
    browser.element("#reference").await?;
    check(&browser, "error: no access").await?;

    browser.open(&doorward.url("/if/user/")).await?;
    check(&browser, "my applications").await?;

    with_authenticator(&doorward, &browser).await?;

    browser.open(&doorward.url("/sign-out")).await?;
    browser.element("#confirm-sign-out").await?;
    check(&browser, "sign-out").await?;
    browser.press("#confirm-sign-out").await?;
    browser.one_of(&["#sign-in-again", "#sign-in"]).await?;
    check(&browser, "signed out").await?;

    browser.open(&doorward.url("/sign-in")).await?;
    browser.sign_in("alice", PASSWORD).await?;
    browser.element("#code-form").await?;
    check(&browser, "the second step").await?;
    browser.fill("#code", "000 000").await?;
    browser.press("#continue").await?;
    browser.element("[role=alert]").await?;
    check(&browser, "the second step with a wrong code").await?;

    // Administrators see more on the error page: the received and the registered redirect URIs.
    browser.open(&doorward.url("/if/admin/")).await?;
    browser.sign_in(ADMINISTRATOR, PASSWORD).await?;
    browser.arrives_at(&doorward.url("/if/admin/")).await?;
    check(&browser, "administration").await?;
    for username in ["alice", "robot"] {
        let user = doorward.json(&["user", "show", username])?;
        let id = user.get("id").and_then(|id| id.as_str()).context("a user without id")?;
        browser.open(&doorward.url(&format!("/if/admin/users/{id}/"))).await?;
        check(&browser, &format!("{username}, as an administrator")).await?;
    }
    browser.open(&client.authorization_request(&[("redirect_uri", "http://127.0.0.1:9/elsewhere")])?).await?;
    browser.element("#received-uri").await?;
    check(&browser, "error: unlisted redirect URI, as an administrator").await
}

/// The pages about one's own account, on the way to an authenticator app.
async fn with_authenticator(doorward: &Doorward, browser: &Browser) -> Result<()> {
    browser.press("#security-link").await?;
    browser.fill("#purpose", "Mail on the laptop").await?;
    browser.fill("#current_password", PASSWORD).await?;
    browser.press("#add").await?;
    browser.element("#new-secret").await?;
    check(browser, "security, with a new app password").await?;
    browser.press("#set-up-authenticator").await?;
    let key = browser.element("#secret").await?.text().await?;
    check(browser, "setting an authenticator app up").await?;
    browser.fill("#code", "000000").await?;
    browser.fill("#current_password", "not her password").await?;
    browser.press("#save").await?;
    browser.element("#error-summary").await?;
    check(browser, "an authenticator app that was not set up").await?;
    browser.fill("#code", &authenticator::code(&key)?).await?;
    browser.fill("#current_password", PASSWORD).await?;
    browser.press("#save").await?;
    browser.element("#notice").await?;
    check(browser, "security, with an authenticator app").await?;
    browser.press("#remove-authenticator").await?;
    browser.element("#remove-it").await?;
    check(browser, "removing an authenticator app").await?;
    browser.open(&doorward.url("/if/user/security/password/")).await?;
    check(browser, "changing the password").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_pass_in_light_colours() -> Result<()> {
    every_page_passes("light").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_pass_in_dark_colours() -> Result<()> {
    every_page_passes("dark").await
}
