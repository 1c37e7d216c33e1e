//! An independent, certified client: npm's `openid-client`, with every way it has to get tokens.

use std::path::Path;

use anyhow::Result;
use doorward_e2e::doorward::Doorward;
use doorward_e2e::environment;
use doorward_e2e::scripted::{self, Person};
use serde_json::{Value, json};

const LEAVES: &str = "http://127.0.0.1:9/";
const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
const LOGOUT_URI: &str = "http://127.0.0.1:9/goodbye";
const EVERY_GRANT: &str = "authorization_code,implicit,hybrid,refresh_token,client_credentials,device_code";

/// Runs one flow of the script, with Alice before its browser; gives what it found.
async fn flow(name: &str) -> Result<Value> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    let more = ["--grant-types", EVERY_GRANT, "--logout-uri", LOGOUT_URI];
    let application = doorward.add_application("node", REDIRECT_URI, &more)?;
    doorward.settle().await;
    let facts = json!({
        "flow": name,
        "issuer": application.issuer,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "redirect_uri": REDIRECT_URI,
        "logout_uri": LOGOUT_URI,
    });
    let node = environment::program(&["node", "nodejs"])?;
    let library = environment::required("DOORWARD_TEST_OPENID_CLIENT")?;
    let variables = [("DOORWARD_TEST_OPENID_CLIENT", library.as_str())];
    scripted::run(Path::new(&node), "openid_client.mjs", &variables, &facts, &Person::new("alice", LEAVES)?).await
}

/// The claims, of those that the library found to be in order, say that it is Alice.
fn is_alice(found: &Value) {
    assert_eq!(found.pointer("/claims/preferred_username"), Some(&json!("alice")), "{found}");
    assert_eq!(found.pointer("/claims/email"), Some(&json!("alice@example.org")), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_flow_userinfo_refresh_introspection_revocation_and_sign_out_work() -> Result<()> {
    let found = flow("code").await?;
    is_alice(&found);
    assert_eq!(found.pointer("/person/name"), Some(&json!("Alice Example")), "{found}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_found_as_rfc_8414_says_and_a_wrong_verifier_is_refused() -> Result<()> {
    is_alice(&flow("rfc8414").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hybrid_flow_works_by_fragment_and_form_post() -> Result<()> {
    is_alice(&flow("hybrid").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_implicit_flow_works_by_fragment_and_form_post() -> Result<()> {
    is_alice(&flow("implicit").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_flow_works_by_form_post() -> Result<()> {
    is_alice(&flow("form_post").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_let_in_after_it_had_to_wait() -> Result<()> {
    let found = flow("device").await?;
    is_alice(&found);
    assert_eq!(found.pointer("/person/email_verified"), Some(&json!(true)), "{found}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_gets_tokens_of_its_own_with_both_ways_to_show_its_secret() -> Result<()> {
    let found = flow("client_credentials").await?;
    assert_eq!(found.as_object().map(serde_json::Map::len), Some(2), "{found}");
    Ok(())
}
