//! Independent clients: Python's Authlib, and social-auth-core, by which NetBox and many others sign people in.

use std::path::Path;

use anyhow::Result;
use doorward_e2e::doorward::Doorward;
use doorward_e2e::environment;
use doorward_e2e::scripted::{self, Person};
use serde_json::{Value, json};

const LEAVES: &str = "http://127.0.0.1:9/";
const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
const GRANTS: &str = "authorization_code,refresh_token,client_credentials";

/// Runs a script, with Alice before its browser; gives what it found.
async fn found_by(script: &str, flow: &str) -> Result<Value> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    found_at(&doorward, script, flow, &[]).await
}

/// The same with a Doorward that is there, and an application with more settings.
async fn found_at(doorward: &Doorward, script: &str, flow: &str, more: &[&str]) -> Result<Value> {
    let slug = format!("python-{}", more.last().unwrap_or(&"plain"));
    let application = doorward.add_application(&slug, REDIRECT_URI, &[&["--grant-types", GRANTS], more].concat())?;
    doorward.settle().await;
    let facts = json!({
        "flow": flow,
        "issuer": application.issuer,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "redirect_uri": REDIRECT_URI,
    });
    let python = Path::new(&environment::required("DOORWARD_TEST_PYTHON_CLIENTS")?).join("bin/python");
    scripted::run(&python, script, &[("PYTHONDONTWRITEBYTECODE", "1")], &facts, &Person::new("alice", LEAVES)?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_signs_in_refreshes_introspects_and_revokes() -> Result<()> {
    let found = found_by("openid_authlib.py", "code").await?;
    assert_eq!(found.pointer("/claims/preferred_username"), Some(&json!("alice")), "{found}");
    assert_eq!(found.pointer("/person/email"), Some(&json!("alice@example.org")), "{found}");
    Ok(())
}

/// Signature, `kid` and `at_hash` of every kind of key, from the published key set.
#[tokio::test(flavor = "multi_thread")]
async fn authlib_verifies_every_kind_of_signature() -> Result<()> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    for (kind, algorithm) in [
        ("rsa-2048-pss", "PS256"),
        ("ec-p256", "ES256"),
        ("ec-p384", "ES384"),
        ("ec-p521", "ES512"),
        ("ed25519", "EdDSA"),
    ] {
        doorward.run(&["key", "generate", "--name", kind, "--algorithm", kind])?;
        let found = found_at(&doorward, "openid_authlib.py", "code", &["--signing-key", kind]).await?;
        assert_eq!(found.pointer("/header/alg"), Some(&json!(algorithm)), "{found}");
        assert!(found.pointer("/header/kid").is_some_and(Value::is_string), "{found}");
        assert_eq!(found.pointer("/claims/preferred_username"), Some(&json!("alice")), "{found}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_gets_tokens_of_its_own_with_both_ways_to_show_its_secret() -> Result<()> {
    let found = found_by("openid_authlib.py", "client_credentials").await?;
    assert_eq!(found.as_object().map(serde_json::Map::len), Some(2), "{found}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn social_auth_core_signs_in_and_refreshes() -> Result<()> {
    let found = found_by("openid_social.py", "code").await?;
    let details = json!({
        "username": "alice",
        "email": "alice@example.org",
        "fullname": "Alice Example",
        "first_name": "Alice",
        "last_name": "Example",
    });
    assert_eq!(found.get("details"), Some(&details), "{found}");
    assert_eq!(found.get("uid"), found.pointer("/claims/sub"), "{found}");
    Ok(())
}
