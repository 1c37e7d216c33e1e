//! axe-core finds nothing on the pages that everybody sees, neither light nor dark.

use anyhow::{Context as _, Result};
use doorward_e2e::accessibility::check;
use doorward_e2e::application::Application;
use doorward_e2e::authenticator;
use doorward_e2e::browser::Browser;
use doorward_e2e::client::Client;
use doorward_e2e::doorward::{ADMINISTRATOR, Doorward, PASSWORD};
use doorward_e2e::visitor::Visitor;

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

/// Looks at several pages before it fails, so that all of it is known at once.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    async fn look(&mut self, browser: &Browser, page: &str) -> Result<()> {
        // What is folded away is looked at as well.
        let unfold = "document.querySelectorAll('main details').forEach(one => one.open = true); arguments[0](true)";
        browser.run_script(unfold, Vec::new()).await?;
        if let Err(error) = check(browser, page).await {
            self.0.push(format!("{error:#}"));
        }
        Ok(())
    }

    fn settle(self) -> Result<()> {
        anyhow::ensure!(self.0.is_empty(), "{}", self.0.join("\n"));
        Ok(())
    }
}

/// A user code that a device was given.
async fn user_code(doorward: &Doorward, application: &Application) -> Result<String> {
    let request = Visitor::new()?.http().post(doorward.url("/application/o/device/"));
    let asked = [("client_id", application.client_id.as_str()), ("scope", "openid profile")];
    let answer = request.form(&asked).send().await?.error_for_status()?;
    let answer: serde_json::Value = serde_json::from_str(&answer.text().await?)?;
    let code = answer.get("user_code").and_then(|code| code.as_str()).context("no user code")?;
    Ok(code.to_owned())
}

/// The pages on which people are asked something: a device, which account, the consent, whether to sign out.
async fn questions_pass(scheme: &str) -> Result<()> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    let grants = ["--grant-types", "authorization_code,device_code"];
    let application = doorward.add_application("lab-wiki", REDIRECT_URI, &grants)?;
    doorward.settle().await;
    let client = Client::new(&doorward, &application, REDIRECT_URI);
    let (browser, mut findings) = (Browser::start().await?, Findings::default());
    browser.prefer_colours(scheme).await?;

    browser.open(&doorward.url("/device")).await?;
    browser.sign_in("alice", PASSWORD).await?;
    browser.element("#device-form").await?;
    findings.look(&browser, "device").await?;
    browser.fill("#user-code", "000 000 000").await?;
    browser.press("#continue").await?;
    browser.element("[role=alert]").await?;
    findings.look(&browser, "device, with a code that nobody has").await?;
    for (button, done) in [("#allow", "#device-allowed"), ("#deny", "#device-denied")] {
        browser.open(&doorward.url("/device")).await?;
        browser.fill("#user-code", &user_code(&doorward, &application).await?).await?;
        browser.press("#continue").await?;
        browser.element(button).await?;
        findings.look(&browser, "device, the question").await?;
        browser.press(button).await?;
        browser.element(done).await?;
        findings.look(&browser, done).await?;
    }

    browser.open(&client.authorization_request(&[("prompt", "select_account")])?).await?;
    browser.element("#go-on").await?;
    findings.look(&browser, "account selection").await?;
    browser.open(&client.authorization_request(&[("prompt", "login")])?).await?;
    browser.element("#sign-in").await?;
    findings.look(&browser, "sign in again").await?;
    browser.open(&client.authorization_request(&[("prompt", "consent")])?).await?;
    browser.element("#allow").await?;
    findings.look(&browser, "consent").await?;
    browser.open(&doorward.url("/application/o/lab-wiki/end-session/")).await?;
    browser.element("#confirm-sign-out").await?;
    findings.look(&browser, "sign-out, asked for by an application").await?;
    browser.press("#confirm-sign-out").await?;
    browser.one_of(&["#sign-in-again", "#sign-in"]).await?;
    findings.look(&browser, "signed out, by an application").await?;
    findings.settle()
}

/// What administrators work with, everything unfolded.
async fn administration_passes(scheme: &str) -> Result<()> {
    let doorward = Doorward::start().await?;
    doorward.add_group("staff", &[])?;
    let grants = ["--grant-types", "authorization_code,hybrid"];
    let application = doorward.add_application("lab-wiki", REDIRECT_URI, &grants)?;
    // A key with an old version, the present one and the next.
    doorward.json(&["key", "rotate", "Doorward Self-signed Certificate"])?;
    doorward.settle().await;
    let (browser, mut findings) = (Browser::start().await?, Findings::default());
    browser.prefer_colours(scheme).await?;
    let elsewhere = Visitor::new()?;
    let refused = Client::new(&doorward, &application, REDIRECT_URI)
        .authorization_request(&[("redirect_uri", "http://127.0.0.1:9/elsewhere")])?;
    elsewhere.http().get(&refused).send().await?;
    browser.open(&doorward.url("/if/admin/")).await?;
    browser.sign_in(ADMINISTRATOR, PASSWORD).await?;
    browser.arrives_at(&doorward.url("/if/admin/")).await?;
    // Steps are written behind.
    browser.open(&doorward.url("/if/admin/activity/?outcome=failed")).await?;
    let listed = doorward.json(&["activity", "list", "--failed"])?;
    let reference = listed.pointer("/0/reference").and_then(|code| code.as_str()).context("no failed sign-in")?;
    let attempt = format!("activity/{reference}/");
    for page in [
        "applications/",
        "applications/new/",
        "applications/lab-wiki/",
        "applications/lab-wiki/explain/",
        "applications/lab-wiki/doctor/",
        "activity/",
        "activity/?show=changes",
        &attempt,
        "keys/",
        "mappings/",
        "mappings/new/",
        "users/",
        "users/new/",
        "groups/",
        "groups/new/",
    ] {
        browser.open(&doorward.url(&format!("/if/admin/{page}"))).await?;
        browser.element("main h1").await?;
        findings.look(&browser, page).await?;
    }
    // With everything that can be wrong, said at its field.
    browser.open(&doorward.url("/if/admin/applications/new/")).await?;
    browser.press("label[for=recipe-custom]").await?;
    browser.press("label[for=access-everyone]").await?;
    browser.fill("#name", "Refused").await?;
    browser.fill("#redirect_uris", "javascript:alert(1)").await?;
    browser.press("#create-application").await?;
    browser.element("#error-summary").await?;
    findings.look(&browser, "a new application that was refused").await?;
    findings.settle()
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_pass_in_light_colours() -> Result<()> {
    questions_pass("light").await
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_pass_in_dark_colours() -> Result<()> {
    questions_pass("dark").await
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_passes_in_light_colours() -> Result<()> {
    administration_passes("light").await
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_passes_in_dark_colours() -> Result<()> {
    administration_passes("dark").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_pass_in_light_colours() -> Result<()> {
    every_page_passes("light").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_pass_in_dark_colours() -> Result<()> {
    every_page_passes("dark").await
}
