//! Debian's `mod_auth_openidc` once more: every way an answer can take to it, and both ways of telling it of a sign-out.

use std::time::Duration;

use anyhow::{Context, Result};
use doorward_e2e::apache::Apache;
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::visitor::{Page, Visitor};
use doorward_e2e::wait;
use reqwest::Url;

const ALL_GRANTS: &str = "authorization_code,implicit,hybrid,refresh_token";

struct Scene {
    apache: Apache,
    doorward: Doorward,
    visitor: Visitor,
}

impl Scene {
    /// Both servers, with alice; the module has these logout URIs below its redirect URI.
    async fn start(told: Option<(&str, &str)>, lines: &[&str]) -> Result<Self> {
        let mut apache = Apache::prepare()?;
        let doorward = Doorward::start().await?;
        doorward.add_user("alice", "Alice Example")?;
        let logout = told.map(|(option, query)| (option, format!("{}?logout={query}", apache.redirect_uri())));
        let mut more = vec!["--grant-types", ALL_GRANTS];
        if let Some((option, uri)) = &logout {
            more.extend([*option, uri.as_str()]);
        }
        let application = doorward.add_application("apache", &apache.redirect_uri(), &more)?;
        doorward.settle().await;
        apache.start_with(&application, lines).await?;
        Ok(Self { apache, doorward, visitor: Visitor::new()? })
    }

    fn private(&self) -> String {
        self.apache.url("/private/index.html")
    }

    /// Goes to the private page and signs in at Doorward; where its answer leads is up to the response mode.
    async fn answered(&self) -> Result<Page> {
        let (visitor, stop) = (&self.visitor, self.apache.redirect_uri());
        let mut page = visitor.follow(visitor.get(&self.private()).await?, &stop).await?;
        if page.has_button("sign-in") {
            let answer = visitor.press(&page, "sign-in", &[("username", "alice"), ("password", PASSWORD)]).await?;
            page = visitor.follow(answer, &stop).await?;
        }
        Ok(page)
    }

    async fn sign_in(&self) -> Result<()> {
        let back = self.answered().await?.location.context("no way back")?;
        let page = self.visitor.follow(self.visitor.get(back.as_str()).await?, "nowhere:").await?;
        self.is_in(&page);
        Ok(())
    }

    fn is_in(&self, page: &Page) {
        assert_eq!((page.status, page.url.as_str()), (200, self.private().as_str()), "{}", page.body);
        assert_eq!(page.body, "for people who signed in");
        assert_eq!(page.user.as_deref(), Some("alice"));
    }

    /// Whether the module still has a session of its own, whatever Doorward thinks.
    async fn module_knows_the_visitor(&self) -> Result<bool> {
        Ok(self.visitor.get(&self.private()).await?.status == 200)
    }

    /// Signs out on Doorward's own page, and gives what comes then.
    async fn sign_out_at_doorward(&self) -> Result<Page> {
        let asked = self.visitor.follow(self.visitor.get(&self.doorward.url("/sign-out")).await?, "nowhere:").await?;
        let answer = self.visitor.press(&asked, "confirm-sign-out", &[]).await?;
        self.visitor.follow(answer, "nowhere:").await
    }
}

/// What the module's page does that takes an answer out of the fragment: it posts it to the redirect URI.
async fn hand_over_the_fragment(visitor: &Visitor, back: &Url) -> Result<Page> {
    let fragment = back.fragment().with_context(|| format!("no fragment in {back}"))?;
    let mut redirect_uri = back.clone();
    redirect_uri.set_fragment(None);
    let page = visitor.get(redirect_uri.as_str()).await?;
    assert!(page.body.contains("response_mode"), "not the module's page for fragments: {}", page.body);
    let mut fields: Vec<(String, String)> =
        Url::parse(&format!("{redirect_uri}?{fragment}"))?.query_pairs().into_owned().collect();
    fields.push(("response_mode".into(), "fragment".into()));
    let request = visitor.http().post(redirect_uri.clone()).form(&fields);
    let answer = request.header("origin", redirect_uri.origin().ascii_serialization()).send().await?;
    let location = answer.headers().get("location").context("the module took the fragment for no answer")?;
    let next = redirect_uri.join(location.to_str()?)?;
    visitor.follow(visitor.get(next.as_str()).await?, "nowhere:").await
}

/// One response type, by the default response mode and by `form_post`.
async fn response_type(name: &str) -> Result<()> {
    let line = format!("OIDCResponseType \"{name}\"");
    let scene = Scene::start(None, &[&line]).await?;
    let back = scene.answered().await?.location.with_context(|| format!("{name}: no way back"))?;
    assert_eq!(back.fragment().is_some(), name != "code", "{back}");
    let page = match back.fragment() {
        Some(_) => hand_over_the_fragment(&scene.visitor, &back).await?,
        None => scene.visitor.follow(scene.visitor.get(back.as_str()).await?, "nowhere:").await?,
    };
    scene.is_in(&page);
    drop(scene);

    let scene = Scene::start(None, &[&line, "OIDCResponseMode form_post"]).await?;
    let form = scene.answered().await?;
    assert!(form.location.is_none() && form.has_button("continue"), "no form: {}", form.body);
    let page = scene.visitor.press(&form, "continue", &[]).await?;
    scene.is_in(&scene.visitor.follow(page, "nowhere:").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_code() -> Result<()> {
    response_type("code").await
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_id_token() -> Result<()> {
    response_type("id_token").await
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_id_token_token() -> Result<()> {
    response_type("id_token token").await
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_code_id_token() -> Result<()> {
    response_type("code id_token").await
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_code_token() -> Result<()> {
    response_type("code token").await
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_code_id_token_token() -> Result<()> {
    response_type("code id_token token").await
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_hears_of_a_sign_out_by_the_front_channel() -> Result<()> {
    let scene = Scene::start(Some(("--frontchannel-logout-uri", "get")), &[]).await?;
    scene.sign_in().await?;
    let page = scene.sign_out_at_doorward().await?;
    assert!(scene.module_knows_the_visitor().await?, "nobody has told the module yet");

    // What a browser does with the page.
    let frame = page.body.split("<iframe").nth(1).and_then(|rest| rest.split("src=\"").nth(1));
    let address = frame.and_then(|rest| rest.split('"').next()).with_context(|| format!("no frame:\n{}", page.body))?;
    let address = address.replace("&amp;", "&").replace("&#x2f;", "/").replace("&#x3D;", "=");
    assert!(address.starts_with(&scene.apache.redirect_uri()), "{address}");
    let loaded = scene.visitor.get(&address).await?;
    assert_eq!(loaded.status, 200, "{}", loaded.body);
    assert!(!scene.module_knows_the_visitor().await?, "still signed in to the module");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_hears_of_a_sign_out_by_the_back_channel() -> Result<()> {
    let scene = Scene::start(Some(("--backchannel-logout-uri", "backchannel")), &[]).await?;
    scene.sign_in().await?;
    scene.sign_out_at_doorward().await?;
    // It was told before the page came.
    assert!(!scene.module_knows_the_visitor().await?, "still signed in to the module");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_hears_of_a_disabled_user_by_the_back_channel() -> Result<()> {
    let scene = Scene::start(Some(("--backchannel-logout-uri", "backchannel")), &[]).await?;
    scene.sign_in().await?;
    assert!(scene.module_knows_the_visitor().await?);
    scene.doorward.run(&["user", "disable", "alice"])?;
    wait::until("the module to end the session of a disabled user", Duration::from_secs(20), async || {
        Ok((!scene.module_knows_the_visitor().await?).then_some(()))
    })
    .await
}
