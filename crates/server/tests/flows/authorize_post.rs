//! Authorization requests by POST, and requests that are longer than an address may be.

use crate::{
    on_both,
    support::{Browser, CALLBACK, OAuthClient, PASSWORD, Page},
};

const PATH: &str = "/application/o/authorize/";

/// The fields of a request.
fn fields(client: &OAuthClient, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let target = client.authorize(more);
    form_urlencoded::parse(target.split_once('?').unwrap().1.as_bytes()).into_owned().collect()
}

async fn post(browser: &mut Browser, path: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.request("POST", path, Some(&fields)).await
}

/// Presses the button of the page that carries a request on.
async fn press(browser: &mut Browser, page: &Page, names: &[&str]) -> Page {
    let start = page.body.find("action=\"").unwrap() + "action=\"".len();
    let action = page.body[start..].split('"').next().unwrap().replace("&#x2f;", "/");
    let fields: Vec<_> = names.iter().map(|name| ((*name).to_owned(), page.hidden(name))).collect();
    post(browser, &action, &fields).await
}

on_both! {
    /// From another site and so without cookies: the browser comes back with GET, which brings them. Never 307, which would
    /// post on (RFC 9700, section 4.12).
    async fn requests_from_other_sites_may_come_by_post(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let mut foreign = app.browser();
        foreign.headers.push(("sec-fetch-site", "cross-site".to_owned()));
        let page = post(&mut foreign, PATH, &fields(&client, &[])).await;
        assert_eq!(page.status, 303);
        assert!(foreign.cookies.is_empty(), "the browser's own mark is not overwritten");
        let back = browser.get(page.location()).await;
        assert!(back.location().starts_with(CALLBACK) && back.redirect_parameter("code").is_some());
    }

    /// With cookies it is answered at once, by 303, so that nothing is posted on.
    async fn requests_of_known_browsers_are_answered_at_once(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let page = post(&mut browser, PATH, &fields(&client, &[])).await;
        assert_eq!(page.status, 303);
        assert_eq!(client.exchange(&page.redirect_parameter("code").unwrap()).await.status, 200);
        let silent = post(&mut browser, PATH, &fields(&client, &[("prompt", "none"), ("max_age", "0")])).await;
        assert_eq!((silent.status, silent.redirect_parameter("error").as_deref()), (303, Some("login_required")));
        let form = post(&mut browser, PATH, &fields(&client, &[("prompt", "login")])).await;
        assert_eq!(form.status, 303);
    }

    /// A form may be longer than an address: 40,000 bytes of `state` in five parameters' worth of room arrive whole, through
    /// sign-in, without an address of more than 8 KiB.
    async fn nothing_of_a_long_request_is_lost(app) {
        let client = app.client(&app.application("a").await);
        let state = "x".repeat(8 * 1024);
        let hint = "y".repeat(8 * 1024);
        let more = [("state", state.as_str()), ("login_hint", "admin"), ("acr_values", &hint), ("ui_locales", &hint), ("extra", &hint)];
        let sent = fields(&client, &more);
        let names: Vec<_> = sent.iter().map(|(name, _)| name.as_str()).collect();
        let mut foreign = app.browser();
        foreign.headers.push(("sec-fetch-site", "cross-site".to_owned()));
        let carried = post(&mut foreign, PATH, &sent).await;
        assert_eq!((carried.status, carried.location()), (200, ""));
        assert!(carried.body.contains("id=\"continue\""));
        assert_eq!(carried.header("referrer-policy"), "same-origin");
        let mut browser = app.browser();
        let form = press(&mut browser, &carried, &names).await;
        assert!(form.body.contains("id=\"sign-in\"") && form.body.contains("value=\"admin\""), "{}", form.status);
        let (csrf, request) = (form.hidden("csrf"), form.hidden("request"));
        let credentials = [("csrf", csrf.as_str()), ("request", &request), ("username", "admin"), ("password", PASSWORD)];
        let page = browser.request("POST", "/sign-in", Some(&credentials)).await;
        assert_eq!((page.status, page.location()), (200, ""));
        let back = press(&mut browser, &page, &["csrf", "request"]).await;
        assert_eq!(back.redirect_parameter("state"), Some(state));
        assert_eq!(client.exchange(&back.redirect_parameter("code").unwrap()).await.status, 200);
    }

    /// A browser that keeps no cookies is not sent round in circles.
    async fn browsers_without_cookies_are_told(app) {
        let client = app.client(&app.application("a").await);
        let long = "x".repeat(8 * 1024);
        let sent = fields(&client, &[("state", &long)]);
        let page = post(&mut app.browser(), &format!("{PATH}?back"), &sent).await;
        assert!(page.body.contains("id=\"sign-in\""));
        let request = page.hidden("request");
        let lost = post(&mut app.browser(), "/sign-in", &[("request".to_owned(), request)]).await;
        assert_eq!(lost.status, 403);
        // What is longer than anything that we seal is not looked at.
        let mut browser = app.browser();
        let csrf = browser.get("/sign-in").await.hidden("csrf");
        let long = [("csrf".to_owned(), csrf), ("request".to_owned(), "x".repeat(96 * 1024 + 1))];
        assert_eq!(post(&mut browser, "/sign-in", &long).await.status, 400);
    }

    /// What cannot be read is never redirected: doubled, too long, too many, of another type.
    async fn what_cannot_be_read_gets_a_page(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let longest = "s".repeat(8 * 1024);
        let page = post(&mut browser, PATH, &fields(&client, &[("state", &longest)])).await;
        assert_eq!(page.redirect_parameter("state"), Some(longest.clone()));
        let too_long = fields(&client, &[("state", &format!("{longest}s"))]);
        let mut doubled = fields(&client, &[]);
        doubled.push(("client_id".to_owned(), "b".to_owned()));
        let many: Vec<_> = (0..101).map(|n| (format!("p{n}"), String::new())).collect();
        let mut large = fields(&client, &[]);
        large.extend((0..9).map(|n| (format!("p{n}"), longest.clone())));
        for bad in [too_long, doubled, many, large] {
            let page = post(&mut browser, PATH, &bad).await;
            assert_eq!((page.status, page.location()), (400, ""), "{:.80}", format!("{bad:?}"));
        }
        let page = post(&mut app.browser(), PATH, &[]).await;
        assert_eq!(page.location(), PATH.to_owned() + "?");
        let page = browser.get(page.location()).await;
        assert_eq!((page.status, page.location()), (400, ""));
    }
}
