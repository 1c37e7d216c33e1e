//! The frame that applications hold (OpenID Connect Session Management 1.0, section 3.2), and the page that sends itself, in a
//! browser of today.

use anyhow::{Context, Result};
use doorward_e2e::browser::Browser;
use doorward_e2e::prepared::{PASSWORD, PERSON, Prepared, parameter};
use doorward_e2e::suite::{FRAME_PAGE, Suite};
use serde_json::{Value, json};

const CLIENT: &str = "conformance-logout";

/// Posts to the frame as section 3.1 has it, and waits for what it says.
const ASK: &str = "const [question, origin, done] = arguments;
    addEventListener('message', (event) => done([event.origin, event.data]), { once: true });
    document.getElementById('frame').contentWindow.postMessage(question, origin);";

async fn signed_in(prepared: &Prepared, browser: &Browser) -> Result<String> {
    browser.open(&prepared.authorize(CLIENT, &[])?).await?;
    browser.sign_in(PERSON, PASSWORD).await?;
    browser.arrives_at(&prepared.suite.callback()).await?;
    parameter(&browser.address().await?, "session_state").context("no session_state")
}

/// What the frame in the page that is shown answers.
async fn answer(prepared: &Prepared, browser: &Browser, question: &Value) -> Result<String> {
    let origin = prepared.doorward.url("");
    let heard = browser.run_script(ASK, vec![question.clone(), json!(origin)]).await?;
    assert_eq!(heard.get(0), Some(&json!(origin)), "{heard}");
    Ok(heard.get(1).and_then(Value::as_str).context("no text")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_frame_tells_an_open_page_of_a_sign_out() -> Result<()> {
    let prepared = Prepared::start().await?;
    let browser = Browser::start().await?;
    let state = signed_in(&prepared, &browser).await?;
    let frame = prepared.check_session(CLIENT);
    prepared.suite.hold(&frame);
    browser.open(&prepared.suite.url(FRAME_PAGE)).await?;
    let question = json!(format!("{CLIENT} {state}"));
    for (question, wanted) in [
        (question.clone(), "unchanged"),
        (json!(format!("conformance {state}")), "changed"),
        (json!(format!("{CLIENT} {state}x")), "changed"),
        (json!(format!("{CLIENT} {state} ")), "error"),
        (json!(format!("{CLIENT} {}", "a".repeat(400))), "error"),
        (json!("nonsense"), "error"),
        (json!(""), "error"),
        (json!({ "client_id": CLIENT }), "error"),
    ] {
        assert_eq!(answer(&prepared, &browser, &question).await?, wanted, "{question}");
    }

    let tab = browser.open_tab().await?;
    browser.open(&prepared.end_session(CLIENT, &[])?).await?;
    browser.press("#confirm-sign-out").await?;
    browser.gone("#confirm-sign-out").await?;
    browser.show_tab(tab.clone()).await?;
    assert_eq!(answer(&prepared, &browser, &question).await?, "changed");

    browser.open_tab().await?;
    let again = signed_in(&prepared, &browser).await?;
    browser.show_tab(tab).await?;
    assert_eq!(answer(&prepared, &browser, &question).await?, "changed");
    assert_eq!(answer(&prepared, &browser, &json!(format!("{CLIENT} {again}"))).await?, "unchanged");
    Ok(())
}

/// The origin is part of the hash; and a browser that keeps the cookie from frames of other sites makes the frame say so.
#[tokio::test(flavor = "multi_thread")]
async fn the_frame_tells_other_origins_nothing() -> Result<()> {
    let prepared = Prepared::start().await?;
    let browser = Browser::start().await?;
    let question = json!(format!("{CLIENT} {}", signed_in(&prepared, &browser).await?));
    let frame = prepared.check_session(CLIENT);
    let other = Suite::start()?;
    other.hold(&frame);
    for (page, wanted) in
        [(other.url(FRAME_PAGE), "changed"), (other.url(FRAME_PAGE).replace("127.0.0.1", "localhost"), "error")]
    {
        browser.open(&page).await?;
        assert_eq!(answer(&prepared, &browser, &question).await?, wanted, "{page}");
    }
    Ok(())
}

/// Our own SHA-256 beside the browser's, for every length that a question can have and some more.
#[tokio::test(flavor = "multi_thread")]
async fn the_frames_hash_is_the_browsers() -> Result<()> {
    let prepared = Prepared::start().await?;
    let browser = Browser::start().await?;
    browser.open(&prepared.check_session(CLIENT)).await?;
    let compare = "const done = arguments[0];
        (async () => {
          const wrong = [];
          for (let length = 0; length <= 600; length += 1) {
            const text = Array.from({ length }, (_, at) => String.fromCharCode(33 + (at * 7 + length) % 94)).join('');
            const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
            const expected = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
            if (sha256(text) !== expected) wrong.push(length);
          }
          return wrong;
        })().then(done, (error) => done(String(error)));";
    assert_eq!(browser.run_script(compare, Vec::new()).await?, json!([]));
    Ok(())
}

/// Both scripts run here: the one that shows passwords, and the one that sends a form once.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_by_form_sends_itself() -> Result<()> {
    let prepared = Prepared::start().await?;
    let browser = Browser::start().await?;
    browser.open(&prepared.authorize(CLIENT, &[])?).await?;
    browser.press("#password-toggle").await?;
    signed_in(&prepared, &browser).await?;
    prepared.suite.forget_requests();
    let more = [("response_mode", "form_post"), ("response_type", "code id_token")];
    browser.open(&prepared.authorize(CLIENT, &more)?).await?;
    browser.arrives_at(&prepared.suite.callback()).await?;
    let request = prepared.suite.only_request("/test/a/doorward/callback")?;
    assert_eq!(request.method, "POST");
    assert!(parameter(&request.body, "code").is_some() && parameter(&request.body, "id_token").is_some());
    Ok(())
}
