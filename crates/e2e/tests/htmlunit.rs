//! The pages in `HtmlUnit`, which drives the official suite: its commands lead through them, and no script of ours fails in it.

use anyhow::{Context, Result, ensure};
use doorward_e2e::automation::run;
use doorward_e2e::doorward::{ADMINISTRATOR, PASSWORD as EVERYBODYS_PASSWORD};
use doorward_e2e::htmlunit::{HtmlUnit, Scripts, Selenium};
use doorward_e2e::prepared::{ADMINISTRATORS_PASSWORD, PASSWORD, PERSON, Prepared, parameter};
use doorward_e2e::suite::FRAME_PAGE;
use serde_json::{Value, json};

const CALLBACK: &str = "/test/a/doorward/callback";
const FRONT_CHANNEL: &str = "/test/a/doorward/frontchannel_logout";
const AFTER_SIGN_OUT: &str = "/test/a/doorward/post_logout_redirect";
const CLIENT: &str = "conformance-logout";

async fn scene() -> Result<(Prepared, Selenium)> {
    let prepared = Prepared::start().await?;
    Ok((prepared, Selenium::start().await?))
}

fn member<'a>(value: &'a Value, pointer: &str) -> Result<&'a Value> {
    value.pointer(pointer).with_context(|| format!("no {pointer} in {value}"))
}

fn word<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    member(value, pointer)?.as_str().with_context(|| format!("{pointer} is no text"))
}

/// Signs the suite's person in for a client, by hand.
async fn signed_in(prepared: &Prepared, browser: &HtmlUnit<'_>, client: &str) -> Result<()> {
    browser.open(&prepared.authorize(client, &[])?).await?;
    browser.sign_in(PERSON, PASSWORD).await?;
    arrived(browser, &prepared.suite.callback()).await
}

async fn arrived(browser: &HtmlUnit<'_>, beginning: &str) -> Result<()> {
    let address = browser.address().await?;
    ensure!(address.starts_with(beginning), "{address} is not {beginning}:\n{}", browser.source().await?);
    Ok(())
}

/// All three ways of an answer: in the query, in the fragment, and by a form that sends itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_suites_commands_sign_in() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    let configuration = prepared.configuration("sign-in")?;
    let commands = member(&configuration, "/browser")?;
    let callback = prepared.suite.callback();
    for name in ["client", "client2", "client_secret_post"] {
        let client = word(&configuration, &format!("/{name}/client_id"))?;
        let browser = selenium.browser(Scripts::Run).await?;
        run(&browser, commands, &prepared.authorize(client, &[])?).await?;
        arrived(&browser, &format!("{callback}?code=")).await?;
        assert!(browser.address().await?.contains("state=s"));

        // Consent, where it is asked for.
        prepared.suite.forget_requests();
        run(&browser, commands, &prepared.authorize(client, &[("prompt", "consent")])?).await?;
        assert!(parameter(&prepared.suite.only_request(CALLBACK)?.target, "code").is_some());

        run(&browser, commands, &prepared.authorize(client, &[("response_type", "id_token token")])?).await?;
        let address = browser.address().await?;
        arrived(&browser, &format!("{callback}#")).await?;
        assert!(
            parameter(&address, "id_token").is_some() && parameter(&address, "access_token").is_some(),
            "{address}"
        );

        for (response_type, prompt) in [("code", "none"), ("code id_token token", "consent")] {
            prepared.suite.forget_requests();
            let more = [("response_mode", "form_post"), ("response_type", response_type), ("prompt", prompt)];
            run(&browser, commands, &prepared.authorize(client, &more)?).await?;
            let request = prepared.suite.only_request(CALLBACK)?;
            assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", CALLBACK));
            assert!(parameter(&request.body, "code").is_some(), "{}", request.body);
            assert_eq!(parameter(&request.body, "id_token").is_some(), response_type != "code", "{}", request.body);
        }
    }
    selenium.ran_every_script()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suites_commands_take_their_pictures() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    let configuration = prepared.configuration("sign-in")?;
    let client = word(&configuration, "/client/client_id")?;
    let invalid = format!("{}/abcdefghij", prepared.suite.callback());
    for (module, settings) in member(&configuration, "/override")?.as_object().context("no modules")? {
        let commands = member(settings, "/browser")?;
        let browser = selenium.browser(Scripts::Run).await?;
        if module == "oidcc-prompt-login" || module == "oidcc-max-age-1" {
            let first = run(&browser, commands, &prepared.authorize(client, &[])?).await?;
            let again = run(&browser, commands, &prepared.authorize(client, &[("prompt", "login")])?).await?;
            assert_eq!(
                (first, again),
                (vec!["Sign in to".to_owned()], vec!["Confirm it is you".to_owned()]),
                "{module}"
            );
            arrived(&browser, &prepared.suite.callback()).await?;
        } else {
            let pictures = run(&browser, commands, &prepared.authorize(client, &[("redirect_uri", &invalid)])?).await?;
            assert_eq!(pictures, ["Wrong return address"], "{module}");
        }
    }
    selenium.ran_every_script()
}

/// What a module of the plan for RP-initiated logout sends, from what is sent usually.
fn asked(module: &str, id_token: &str, after: &str) -> Result<Vec<(&'static str, String)>> {
    let payload = id_token.split('.').nth(1).context("no payload")?;
    let mut parameters = vec![
        ("id_token_hint", id_token.to_owned()),
        ("post_logout_redirect_uri", after.to_owned()),
        ("state", "s".to_owned()),
    ];
    let set = |parameters: &mut Vec<_>, name: &'static str, value: String| {
        parameters.retain(|(found, _): &(&str, String)| *found != name);
        parameters.push((name, value));
    };
    match module.trim_start_matches("oidcc-rp-initiated-logout-") {
        "bad-post-logout-redirect-uri" => set(&mut parameters, "post_logout_redirect_uri", format!("{after}-bad")),
        "query-added-to-post-logout-redirect-uri" => {
            set(&mut parameters, "post_logout_redirect_uri", format!("{after}?foo=bar"));
        }
        "modified-id-token-hint" | "bad-id-token-hint" => {
            set(&mut parameters, "id_token_hint", format!("eyJhbGciOiAibm9uZSJ9.{payload}."));
        }
        "no-id-token-hint" => parameters.retain(|(name, _)| *name != "id_token_hint"),
        "no-params" => parameters.clear(),
        "only-state" => parameters.retain(|(name, _)| *name == "state"),
        "no-post-logout-redirect-uri" => parameters.retain(|(name, _)| *name != "post_logout_redirect_uri"),
        other => ensure!(other.is_empty(), "{other} is not played here"),
    }
    Ok(parameters)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suites_commands_sign_out() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    let configuration = prepared.configuration("rp-initiated-logout")?;
    let client = word(&configuration, "/client/client_id")?;
    let overridden = member(&configuration, "/override")?.as_object().context("no modules")?;
    let usual = (String::new(), configuration.clone());
    let modules = overridden.iter().chain([(&usual.0, &usual.1)]);
    for (module, settings) in modules {
        let commands = member(settings, "/browser")?;
        let browser = selenium.browser(Scripts::Run).await?;
        run(&browser, commands, &prepared.authorize(client, &[("response_type", "id_token")])?).await?;
        let id_token = parameter(&browser.address().await?, "id_token").context("no ID token")?;
        let parameters = asked(module, &id_token, &prepared.suite.after_sign_out())?;
        let pictures = run(&browser, commands, &prepared.end_session(client, &parameters)?).await?;
        if module.is_empty() {
            assert_eq!(browser.address().await?, format!("{}?state=s", prepared.suite.after_sign_out()));
        } else {
            assert_eq!(pictures.len(), 1, "{module}: {pictures:?}");
        }
    }
    selenium.ran_every_script()
}

/// The client is told in a frame before the browser is back at it.
#[tokio::test(flavor = "multi_thread")]
async fn the_suites_commands_sign_out_by_the_front_channel() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    let configuration = prepared.configuration("frontchannel-logout")?;
    let (commands, client) = (member(&configuration, "/browser")?, word(&configuration, "/client/client_id")?);
    for scripts in [Scripts::Run, Scripts::Off] {
        let browser = selenium.browser(scripts).await?;
        let request = prepared.authorize(client, &[("response_type", "id_token")])?;
        if scripts == Scripts::Run {
            run(&browser, commands, &request).await?;
        } else {
            browser.open(&request).await?;
            browser.sign_in(PERSON, PASSWORD).await?;
        }
        let id_token = parameter(&browser.address().await?, "id_token").context("no ID token")?;
        prepared.suite.forget_requests();
        let end = prepared.end_session(client, &asked("", &id_token, &prepared.suite.after_sign_out())?)?;
        if scripts == Scripts::Run {
            run(&browser, commands, &end).await?;
        } else {
            browser.open(&end).await?;
        }
        arrived(&browser, &format!("{}?state=s", prepared.suite.after_sign_out())).await?;
        let requests = prepared.suite.requests();
        let targets: Vec<_> = requests.iter().map(|request| request.target.as_str()).collect();
        let [told, back] = targets.as_slice() else { anyhow::bail!("{scripts:?}: {targets:?}") };
        assert!(told.starts_with(FRONT_CHANNEL) && back.starts_with(AFTER_SIGN_OUT), "{scripts:?}: {targets:?}");
        let issuer = prepared.doorward.url(&format!("/application/o/{client}/"));
        assert_eq!(parameter(told, "iss"), Some(issuer));
        assert!(parameter(told, "sid").is_some_and(|sid| !sid.is_empty()), "{told}");
    }
    selenium.ran_every_script()
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_consent_accounts_and_sign_out_work_by_hand() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    prepared.doorward.add_user("alice", "Alice Example")?;
    prepared.doorward.settle().await;
    let browser = selenium.browser(Scripts::Run).await?;
    browser.open(&prepared.authorize(CLIENT, &[])?).await?;
    browser.sign_in(PERSON, "not the password").await?;
    browser.is_shown("error-summary").await?;
    browser.sign_in(PERSON, PASSWORD).await?;
    arrived(&browser, &prepared.suite.callback()).await?;

    for (button, wanted, value) in [("allow", "code", None), ("deny", "error", Some("access_denied"))] {
        browser.open(&prepared.authorize(CLIENT, &[("prompt", "consent")])?).await?;
        browser.press_button(button).await?;
        arrived(&browser, &prepared.suite.callback()).await?;
        let found = parameter(&browser.address().await?, wanted);
        assert!(found.is_some() && (value.is_none() || found.as_deref() == value), "{button}: {found:?}");
    }

    // Going on as oneself, then as somebody else.
    for other in [None, Some("alice")] {
        browser
            .open(&prepared.authorize(CLIENT, &[("prompt", "select_account"), ("response_type", "id_token")])?)
            .await?;
        browser.is_shown("go-on").await?;
        match other {
            None => browser.press_button("go-on").await?,
            Some(username) => browser.sign_in(username, EVERYBODYS_PASSWORD).await?,
        }
        arrived(&browser, &prepared.suite.callback()).await?;
    }
    browser.open(&prepared.doorward.url("/if/user/")).await?;
    assert!(browser.source().await?.contains("Alice Example"));

    browser.open(&prepared.end_session(CLIENT, &[])?).await?;
    browser.press_button("confirm-sign-out").await?;
    assert_eq!(browser.text("xpath", "//h1").await?.as_deref(), Some("You are signed out"));
    browser.open(&prepared.authorize(CLIENT, &[("prompt", "none")])?).await?;
    assert_eq!(parameter(&browser.address().await?, "error").as_deref(), Some("login_required"));
    selenium.ran_every_script()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_let_in() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    let more = ["--grant-types", "device_code"];
    let application = prepared.doorward.add_application("television", "http://127.0.0.1:9/callback", &more)?;
    prepared.doorward.settle().await;
    let client = reqwest::Client::new();
    let browser = selenium.browser(Scripts::Run).await?;
    signed_in(&prepared, &browser, CLIENT).await?;
    for (button, shown) in [("allow", "device-allowed"), ("deny", "device-denied")] {
        let form = [("client_id", &application.client_id), ("client_secret", &application.client_secret)];
        let answer = client.post(prepared.doorward.url("/application/o/device/")).form(&form).send().await?;
        let answer: Value = answer.json().await?;
        browser.open(&prepared.doorward.url("/device")).await?;
        browser.fill("id", "user-code", word(&answer, "/user_code")?).await?;
        browser.press_button("continue").await?;
        browser.press_button(button).await?;
        browser.is_shown(shown).await?;
    }
    selenium.ran_every_script()
}

/// Nothing sends the form by itself; its button does.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_by_form_is_sent_by_its_button_without_scripts() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    let browser = selenium.browser(Scripts::Off).await?;
    signed_in(&prepared, &browser, CLIENT).await?;
    prepared.suite.forget_requests();
    browser.open(&prepared.authorize(CLIENT, &[("response_mode", "form_post"), ("prompt", "consent")])?).await?;
    browser.press_button("allow").await?;
    assert_eq!(prepared.suite.requests(), []);
    browser.press_button("continue").await?;
    arrived(&browser, &prepared.suite.callback()).await?;
    let request = prepared.suite.only_request(CALLBACK)?;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", CALLBACK));
    assert!(parameter(&request.body, "code").is_some(), "{}", request.body);
    selenium.ran_every_script()
}

/// Opening a page fails when one of its scripts does.
#[tokio::test(flavor = "multi_thread")]
async fn no_script_fails_on_any_page() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    let browser = selenium.browser(Scripts::Run).await?;
    browser.open(&prepared.doorward.url("/if/admin/")).await?;
    browser.sign_in(ADMINISTRATOR, ADMINISTRATORS_PASSWORD).await?;
    for page in [
        "/if/user/",
        "/if/user/security/",
        "/if/admin/",
        "/if/admin/applications/",
        "/if/admin/applications/new/",
        "/if/admin/applications/conformance/",
        "/if/admin/applications/conformance/explain/",
        "/if/admin/users/",
        "/if/admin/groups/",
        "/if/admin/activity/",
        "/if/admin/keys/",
        "/if/admin/mappings/",
        "/device",
        "/sign-out",
        "/no-such-page",
    ] {
        browser.open(&prepared.doorward.url(page)).await?;
        assert!(browser.has("id", "main").await?, "{page}: {}", browser.source().await?);
    }
    selenium.ran_every_script()
}

/// The frame that applications hold. `HtmlUnit` of that age says of a message that it came from the window that gets it, so the
/// test makes the event as it should be; the answer goes `HtmlUnit`'s own way.
#[tokio::test(flavor = "multi_thread")]
async fn the_frame_tells_of_a_sign_out() -> Result<()> {
    let (prepared, selenium) = scene().await?;
    let browser = selenium.browser(Scripts::Run).await?;
    signed_in(&prepared, &browser, CLIENT).await?;
    let state = parameter(&browser.address().await?, "session_state").context("no session_state")?;
    prepared.suite.hold(&prepared.check_session(CLIENT));
    let question = format!("{CLIENT} {state}");
    for (question, wanted) in [
        (question.as_str(), "unchanged"),
        (&format!("conformance {state}"), "changed"),
        (&format!("{question} "), "error"),
        ("nonsense", "error"),
    ] {
        assert_eq!(answer_of_the_frame(&prepared, &browser, question).await?, wanted, "{question}");
    }

    browser.open(&prepared.end_session(CLIENT, &[])?).await?;
    browser.press_button("confirm-sign-out").await?;
    assert_eq!(answer_of_the_frame(&prepared, &browser, &question).await?, "changed");

    browser.open(&prepared.check_session(CLIENT)).await?;
    for (text, hash) in HASHES {
        assert_eq!(browser.run_script("return sha256(arguments[0])", &[json!(text)]).await?, *hash, "{text}");
    }
    selenium.ran_every_script()
}

/// Examples of FIPS 180-4, with one, one and two blocks.
const HASHES: &[(&str, &str)] = &[
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ),
];

/// What the frame in a page of the suite answers.
async fn answer_of_the_frame(prepared: &Prepared, browser: &HtmlUnit<'_>, question: &str) -> Result<String> {
    let ask = "var frame = document.getElementById('frame').contentWindow, event = frame.document.createEvent('MessageEvent');
        event.initMessageEvent('message', false, false, arguments[0], arguments[1], '', window, []);
        frame.dispatchEvent(event);";
    browser.open(&prepared.suite.url(FRAME_PAGE)).await?;
    browser.run_script(ask, &[json!(question), json!(prepared.suite.url(""))]).await?;
    let heard = browser.text_becomes("answer", |text| text != "nothing yet").await?;
    Ok(heard.rsplit(' ').next().unwrap_or_default().to_owned())
}
