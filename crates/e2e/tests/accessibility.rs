//! axe-core finds nothing on the pages that everybody sees, neither light nor dark.

use anyhow::Result;
use doorward_e2e::accessibility::check;
use doorward_e2e::application::Application;
use doorward_e2e::browser::Browser;
use doorward_e2e::client::Client;
use doorward_e2e::doorward::{ADMINISTRATOR, Doorward, PASSWORD};

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

async fn every_page_passes(scheme: &str) -> Result<()> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
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

    browser.open(&doorward.url("/sign-out")).await?;
    browser.element("#confirm-sign-out").await?;
    check(&browser, "sign-out").await?;
    browser.press("#confirm-sign-out").await?;
    browser.one_of(&["#sign-in-again", "#sign-in"]).await?;
    check(&browser, "signed out").await?;

    // Administrators see more on the error page: the received and the registered redirect URIs.
    browser.open(&doorward.url("/if/admin/")).await?;
    browser.sign_in(ADMINISTRATOR, PASSWORD).await?;
    browser.arrives_at(&doorward.url("/if/admin/")).await?;
    check(&browser, "administration").await?;
    browser.open(&client.authorization_request(&[("redirect_uri", "http://127.0.0.1:9/elsewhere")])?).await?;
    browser.element("#received-uri").await?;
    check(&browser, "error: unlisted redirect URI, as an administrator").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_pass_in_light_colours() -> Result<()> {
    every_page_passes("light").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_pass_in_dark_colours() -> Result<()> {
    every_page_passes("dark").await
}
