//! An independent client: Debian's Apache with `mod_auth_openidc`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use doorward_e2e::apache::Apache;
use doorward_e2e::delivery::{Way, deliver};
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::visitor::{Page, Visitor};
use doorward_e2e::{html, wait};

/// All response types of OpenID Connect Core 1.0 and of OAuth 2.0 Multiple Response Type Encoding Practices 1.0 that
/// the module knows.
const RESPONSE_TYPES: [&str; 6] =
    ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];

#[tokio::test(flavor = "multi_thread")]
async fn apache_lets_a_person_in_and_out() -> Result<()> {
    let mut apache = Apache::prepare()?;
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    let after_sign_out = apache.url("/");
    let more = ["--logout-uri", after_sign_out.as_str()];
    let application = doorward.add_application("apache", &apache.redirect_uri(), &more)?;
    doorward.settle().await;
    apache.start(&application).await?;
    let private = apache.url("/private/index.html");
    let visitor = Visitor::new()?;

    let back = visitor.signed_in_to(&private, &apache.redirect_uri(), "alice", PASSWORD).await?;
    let page = visitor.follow(visitor.get(back.as_str()).await?, "nowhere:").await?;
    assert_eq!((page.status, page.url.as_str()), (200, private.as_str()), "{}", page.body);
    assert_eq!(page.body, "for people who signed in");
    assert_eq!(page.user.as_deref(), Some("alice"));

    // The module ends its own session, and sends the browser on with a hint of who signs out.
    let sign_out = format!("{}?logout={}", apache.redirect_uri(), after_sign_out.replace(':', "%3A"));
    let mut page = visitor.follow(visitor.get(&sign_out).await?, "nowhere:").await?;
    if page.has_button("confirm-sign-out") {
        page = visitor.follow(visitor.press(&page, "confirm-sign-out", &[]).await?, "nowhere:").await?;
    }
    assert_eq!(page.url.as_str(), after_sign_out, "{}", page.body);
    let page = visitor.follow(visitor.get(&private).await?, "nowhere:").await?;
    assert!(page.url.as_str().starts_with(&doorward.url("/")), "still signed in at {}: {}", page.url, page.body);
    assert!(page.has_button("sign-in"), "{}", page.body);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_refuses_a_stranger() -> Result<()> {
    let mut apache = Apache::prepare()?;
    let doorward = Doorward::start().await?;
    let application = doorward.add_application("apache", &apache.redirect_uri(), &[])?;
    doorward.settle().await;
    apache.start(&application).await?;
    let visitor = Visitor::new()?;

    let request = visitor.get(&apache.url("/private/index.html")).await?;
    let form = visitor.follow(request, "nowhere:").await?;
    let answer = visitor.press(&form, "sign-in", &[("username", "mallory"), ("password", PASSWORD)]).await?;
    let page = visitor.follow(answer, "nowhere:").await?;
    assert!(page.has_button("sign-in"), "{}", page.body);

    // A code that Doorward never made.
    let forged = visitor.get(&format!("{}?code=made-up&state=made-up", apache.redirect_uri())).await?;
    let private = visitor.get(&apache.url("/private/index.html")).await?;
    assert_ne!((forged.status, private.status), (200, 200));
    assert_eq!(private.user, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_every_response_type_in_its_usual_mode() -> Result<()> {
    every_response_type(None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_takes_every_response_type_from_a_form() -> Result<()> {
    every_response_type(Some("form_post")).await
}

/// Signs in to six servers, each of which asks for another response type.
async fn every_response_type(mode: Option<&str>) -> Result<()> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    let mut clients = Vec::new();
    for (number, response_type) in RESPONSE_TYPES.into_iter().enumerate() {
        let mut apache = Apache::prepare()?;
        apache.set("OIDCResponseType", response_type);
        if let Some(mode) = mode {
            apache.set("OIDCResponseMode", mode);
        }
        let grants = ["--grant-types", "authorization_code,implicit,hybrid,refresh_token"];
        let application = doorward.add_application(&format!("apache-{number}"), &apache.redirect_uri(), &grants)?;
        clients.push((response_type, apache, application));
    }
    doorward.settle().await;
    for (response_type, mut apache, application) in clients {
        apache.start(&application).await?;
        let way = match (mode, response_type) {
            (Some(_), _) => Way::FormPost,
            (None, "code") => Way::Query,
            (None, _) => Way::Fragment,
        };
        signs_in_with(response_type, way, &apache).await.with_context(|| format!("{response_type}, {mode:?}"))?;
    }
    Ok(())
}

async fn signs_in_with(response_type: &str, way: Way, apache: &Apache) -> Result<()> {
    let private = apache.url("/private/index.html");
    let visitor = Visitor::new()?;
    let delivery = deliver(&visitor, &private, &apache.redirect_uri(), ("alice", PASSWORD)).await?;
    ensure!(delivery.way == way, "{delivery:?}");
    for (wanted, parameter) in [("code", "code"), ("id_token", "id_token"), ("token", "access_token")] {
        let is_wanted = response_type.split(' ').any(|part| part == wanted);
        ensure!(delivery.parameter(parameter).is_some() == is_wanted, "{parameter}: {delivery:?}");
    }
    let page = &delivery.page;
    ensure!((page.status, page.url.as_str()) == (200, private.as_str()), "{page:?}");
    ensure!(page.user.as_deref() == Some("alice"), "{page:?}");
    ensure!(page.body == "for people who signed in", "{page:?}");
    // The module keeps a session of its own: the next page takes no other trip.
    let again = visitor.get(&private).await?;
    ensure!(again.user.as_deref() == Some("alice"), "{again:?}");
    Ok(())
}

/// An answer of error comes in the way of the tokens that were asked for, and the module reads it there.
#[tokio::test(flavor = "multi_thread")]
async fn apache_is_told_what_it_may_not_ask_for() -> Result<()> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    let (mut in_fragment, mut in_form) = (Apache::prepare()?, Apache::prepare()?);
    in_fragment.set("OIDCResponseType", "id_token token");
    in_form.set("OIDCResponseType", "code id_token");
    in_form.set("OIDCResponseMode", "form_post");
    // Neither the implicit nor the hybrid grant.
    let for_fragment = doorward.add_application("fragment", &in_fragment.redirect_uri(), &[])?;
    let for_form = doorward.add_application("form", &in_form.redirect_uri(), &[])?;
    doorward.settle().await;
    for (mut apache, application, way) in
        [(in_fragment, for_fragment, Way::Fragment), (in_form, for_form, Way::FormPost)]
    {
        apache.start(&application).await?;
        let visitor = Visitor::new()?;
        let private = apache.url("/private/index.html");
        let delivery = deliver(&visitor, &private, &apache.redirect_uri(), ("alice", PASSWORD)).await?;
        assert_eq!((delivery.way, delivery.parameter("error")), (way, Some("unauthorized_client")), "{delivery:?}");
        assert!(delivery.page.body.contains("unauthorized_client"), "{delivery:?}");
        assert_eq!(visitor.get(&private).await?.user, None);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_channel_ends_a_session_that_the_browser_holds() -> Result<()> {
    front_channel("get", "client-cookie", true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_channel_ends_a_session_through_an_image() -> Result<()> {
    front_channel("img", "server-cache", true).await
}

/// Browsers that send no cookies from frames of other sites leave only `iss` and `sid` to find the session by.
#[tokio::test(flavor = "multi_thread")]
async fn the_front_channel_ends_a_session_without_its_cookie() -> Result<()> {
    front_channel("get", "server-cache", false).await
}

async fn front_channel(style: &str, session_type: &str, sends_cookies: bool) -> Result<()> {
    let mut apache = Apache::prepare()?;
    apache.set("OIDCSessionType", session_type);
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    let told = format!("{}?logout={style}", apache.redirect_uri());
    let more = ["--frontchannel-logout-uri", told.as_str()];
    let application = doorward.add_application("apache", &apache.redirect_uri(), &more)?;
    doorward.settle().await;
    apache.start(&application).await?;
    let (one, other) = (signed_in(&apache, "alice").await?, signed_in(&apache, "alice").await?);

    let page = one.sign_out(&doorward.url("/sign-out")).await?;
    let frames = html::frames(&page.body);
    assert!(matches!(frames.as_slice(), [only] if only.starts_with(&format!("{told}&"))), "{frames:?}");
    assert_eq!(who(&one, &apache).await?.as_deref(), Some("alice"), "gone before the frame was loaded");
    let frame_loader = if sends_cookies { one.clone() } else { Visitor::new()? };
    for frame in frames {
        let answer = frame_loader.get(&frame).await?;
        assert_eq!(answer.status, 200, "{}", apache.output());
    }
    assert_eq!(who(&one, &apache).await?, None, "{}", apache.output());
    assert_eq!(who(&other, &apache).await?.as_deref(), Some("alice"), "another browser was signed out as well");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_back_channel_ends_the_sessions_it_is_to_end() -> Result<()> {
    let mut apache = Apache::prepare()?;
    apache.set("OIDCSessionType", "server-cache");
    apache.set("OIDCCacheType", "shm");
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    doorward.add_user("bob", "Bob Example")?;
    let told = format!("{}?logout=backchannel", apache.redirect_uri());
    let more = ["--backchannel-logout-uri", told.as_str()];
    let application = doorward.add_application("apache", &apache.redirect_uri(), &more)?;
    doorward.settle().await;
    apache.start(&application).await?;
    let (one, other) = (signed_in(&apache, "alice").await?, signed_in(&apache, "alice").await?);
    let bob = signed_in(&apache, "bob").await?;

    let page = one.sign_out(&doorward.url("/sign-out")).await?;
    assert_eq!(html::frames(&page.body), Vec::<String>::new());
    is_signed_out(&one, &apache).await?;
    assert_eq!(who(&other, &apache).await?.as_deref(), Some("alice"), "another browser was signed out as well");

    doorward.run(&["user", "disable", "alice"])?;
    is_signed_out(&other, &apache).await?;
    assert_eq!(who(&bob, &apache).await?.as_deref(), Some("bob"), "somebody else was signed out as well");
    Ok(())
}

/// A visitor with a session at the module.
async fn signed_in(apache: &Apache, username: &str) -> Result<Visitor> {
    let visitor = Visitor::new()?;
    let private = apache.url("/private/index.html");
    let delivery = deliver(&visitor, &private, &apache.redirect_uri(), (username, PASSWORD)).await?;
    ensure!(delivery.page.user.as_deref() == Some(username), "{:?}\n{}", delivery.page, apache.output());
    Ok(visitor)
}

/// Whom the module takes the visitor for. Nobody is asked to sign in at Doorward: no session is left there either.
async fn who(visitor: &Visitor, apache: &Apache) -> Result<Option<String>> {
    let private = visitor.get(&apache.url("/private/index.html")).await?;
    let Page { status, user, body, url, .. } = visitor.follow(private, "nowhere:").await?;
    ensure!(user.is_some() || body.contains("id=\"sign-in\""), "{status} at {url}: {body}");
    Ok(user)
}

async fn is_signed_out(visitor: &Visitor, apache: &Apache) -> Result<()> {
    let gone = wait::until("the end of the module's session", Duration::from_secs(30), async || {
        Ok(who(visitor, apache).await?.is_none().then_some(()))
    });
    gone.await.with_context(|| apache.output())
}
