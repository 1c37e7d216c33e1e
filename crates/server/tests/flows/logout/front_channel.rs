//! Front-channel logout: the browser that signs out loads what applications registered.

use super::{BYE, application, end_session, is_signed_in};
use crate::on_both;
use doorward_core::provider::LogoutMethod::Frontchannel;

on_both! {
    /// oidcc-frontchannel-rp-initiated-logout: a frame with `iss` and `sid`, then back with `state`.
    async fn the_page_loads_the_frame_and_goes_on(app) {
        let made = application(&app, "a", "https://netbox.example.org/front?x=1%2F2", Frontchannel).await;
        let client = app.client(&made);
        let mut browser = app.signed_in("admin").await;
        let answer = client.exchange(&client.code(&mut browser, &[]).await).await;
        let (hint, claims) = (answer.text("id_token"), answer.claims("id_token"));
        let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s")];
        let page = browser.get(&end_session(&client, &fields)).await;
        assert_eq!((page.status, page.location()), (200, ""));
        let iss: String = form_urlencoded::byte_serialize(claims["iss"].as_str().unwrap().as_bytes()).collect();
        let sid = claims["sid"].as_str().unwrap();
        let src = format!("src=\"https://netbox.example.org/front?x=1%2F2&iss={iss}&sid={sid}\"");
        assert!(page.text().contains(&src), "{}", page.text());
        assert_eq!(page.header("refresh"), format!("2;url={BYE}?state=s"));
        assert!(page.text().contains(&format!("id=\"return-link\" href=\"{BYE}?state=s\"")));
        assert!(!is_signed_in(&mut browser, &client).await);
    }

    /// The policy lets in the origins of those applications and no others; several applications share one page.
    async fn frames_of_exactly_those_applications(app) {
        let mut browser = app.signed_in("admin").await;
        for (slug, uri) in [("a", "https://a.example.org:8443/out"), ("b", "http://b.example.org/out"), ("c", "https://a.example.org:8443/c")] {
            app.client(&application(&app, slug, uri, Frontchannel).await).code(&mut browser, &[]).await;
        }
        application(&app, "unused", "https://unused.example.org/", Frontchannel).await;
        let asked = browser.get("/sign-out").await;
        let page = browser.submit(&asked, "/sign-out", &[]).await;
        assert_eq!(page.body.matches("<iframe").count(), 3);
        let policy = page.header("content-security-policy");
        assert!(policy.ends_with("; frame-src http://b.example.org https://a.example.org:8443"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !page.body.contains("unused"));
        assert_eq!(page.header("refresh"), "");
        // Once only: the session is gone.
        assert!(!browser.get("/sign-out").await.body.contains("<iframe"));
    }

    /// Without a hint the page offers the way back, frames or not, and goes nowhere by itself.
    async fn without_hint_it_goes_nowhere_by_itself(app) {
        let client = app.client(&application(&app, "a", "https://netbox.example.org/front", Frontchannel).await);
        let mut browser = app.signed_in("admin").await;
        client.code(&mut browser, &[]).await;
        let asked = browser.get(&end_session(&client, &[("post_logout_redirect_uri", BYE)])).await;
        let page = browser.submit(&asked, "/sign-out", &[]).await;
        assert_eq!((page.status, page.header("refresh")), (200, ""));
        assert!(page.body.contains("<iframe") && page.text().contains(&format!("href=\"{BYE}\"")));
    }
}
