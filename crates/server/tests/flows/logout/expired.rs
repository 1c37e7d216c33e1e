//! Sessions that end by their own time: nobody signed out, and nobody is told.

use super::{Scene, is_signed_in, said};
use crate::on_both;
use doorward_core::lifetime::Lifetime;
use doorward_server::{
    applications::{self, ApplicationEdit},
    jobs,
};
use jiff::SignedDuration;

on_both! {
    /// Applications are not told; tokens last as long as they say, refresh tokens (for which the person allowed
    /// `offline_access`) go on, and whoever asks again is sent to sign in.
    async fn a_session_that_expires_is_not_announced(app) {
        let scene = Scene::new(app).await;
        let session = scene.app.app.config.session_lifetime.as_secs();
        let mut edit = ApplicationEdit::of(&applications::find(&scene.app.app, "told").unwrap());
        let provider = edit.oauth.as_mut().unwrap();
        provider.access_token_validity = Lifetime::seconds(session + 3600);
        provider.refresh_token_validity = Lifetime::seconds(session + 7200);
        applications::update(&scene.app.app, &scene.app.actor(), "told", edit).await.unwrap();
        let (mut browser, _, hint) = scene.arrives("admin").await;
        let online = scene.client.exchange(&scene.client.code(&mut browser, &[]).await).await;
        assert_eq!(online.json.get("refresh_token"), None, "without offline_access there is none");
        let offline = [("scope", "openid offline_access")];
        let offline = scene.client.exchange(&scene.client.code(&mut browser, &offline).await).await;
        scene.passes(session);
        assert!(!is_signed_in(&mut browser, &scene.client).await);
        let asked = browser.get(&scene.client.authorize(&[("prompt", "none")])).await;
        assert_eq!(asked.redirect_parameter("error").as_deref(), Some("login_required"));
        jobs::clean(&scene.app.app).await.unwrap();
        assert_eq!(scene.waiting().await.len(), 0);
        while scene.step().await > 0 {}
        assert!(scene.receiver.told().is_empty());
        assert_eq!(said(&scene.app.app, "signed out").await, Vec::<String>::new());
        // What was given for a time lasts for that time, and no longer.
        assert_eq!(scene.client.userinfo(&online.text("access_token")).await.status, 200);
        let refreshed = scene.client.refresh(&offline.text("refresh_token")).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.json);
        // Signing out of what has ended already leads back and tells nobody.
        let end = super::end_session(&scene.client, &[("id_token_hint", &hint), ("post_logout_redirect_uri", super::BYE)]);
        assert_eq!(browser.get(&end).await.location(), super::BYE);
        assert_eq!(scene.waiting().await.len(), 0);
        scene.passes(3600);
        assert_eq!(scene.client.userinfo(&online.text("access_token")).await.status, 401);
        assert_eq!(scene.client.refresh(&refreshed.text("refresh_token")).await.status, 200);
    }

    /// A code of a session that has ended by its time meanwhile is good for its minute, as one of a session that goes on; and a
    /// session that ends by its time and then by its administrator is told of neither time.
    async fn what_ends_twice_is_told_once_or_never(app) {
        let scene = Scene::new(app).await;
        let (mut browser, ..) = scene.arrives("admin").await;
        let lifetime = scene.app.app.config.session_lifetime;
        scene.app.clock.advance(lifetime - SignedDuration::from_secs(1));
        let code = scene.client.code(&mut browser, &[]).await;
        scene.passes(1);
        assert_eq!(scene.client.exchange(&code).await.status, 200);
        jobs::clean(&scene.app.app).await.unwrap();
        let admin = doorward_server::directory::users::find_by_username(&scene.app.app, "admin").await.unwrap();
        let actor = scene.app.actor();
        doorward_server::directory::users::set_password(&scene.app.app, &actor, admin.id, "Anderes-Pferd-8").await.unwrap();
        assert_eq!(scene.waiting().await.len(), 0);
    }
}
