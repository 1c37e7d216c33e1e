//! An independent client: Debian's Apache with `mod_auth_openidc`.

use anyhow::Result;
use doorward_e2e::apache::Apache;
use doorward_e2e::doorward::{Doorward, PASSWORD};
use doorward_e2e::visitor::Visitor;

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
