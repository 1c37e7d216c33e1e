//! What Doorward says when it does not start, and what it says when it starts for the first time.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use doorward_e2e::doorward::{Doorward, Keeping, PASSWORD, all_text, sqlite_file};
use doorward_e2e::html;
use doorward_e2e::visitor::Visitor;
use doorward_e2e::wait;

/// Starting must fail, and the text must contain all these words: what is wrong, and what to change.
async fn refuses(doorward: &Doorward, arguments: &[&str], words: &[&str]) -> Result<()> {
    let output = doorward.refuses_to_serve(arguments).await?;
    let text = all_text(&output);
    ensure!(!output.status.success(), "exit code 0, with:\n{text}");
    ensure!(!text.contains("panicked"), "{text}");
    for word in words {
        ensure!(text.to_lowercase().contains(&word.to_lowercase()), "no {word:?} in:\n{text}");
    }
    Ok(())
}

fn initialised() -> Result<Doorward> {
    let doorward = Doorward::empty(Keeping::Sqlite)?;
    doorward.initialise()?;
    Ok(doorward)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_configuration_key_is_named() -> Result<()> {
    let doorward = initialised()?;
    let file = doorward.directory().join("doorward.toml");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    std::fs::write(&file, format!("public_ulr = \"http://127.0.0.1:9000\"\n{before}"))?;
    refuses(&doorward, &[], &["public_ulr", "doorward.toml", "public_url"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_url_with_a_path_is_refused() -> Result<()> {
    let doorward = initialised()?;
    refuses(&doorward, &["--public-url", "https://idp.example.org/auth"], &["https://idp.example.org/auth", "path"])
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_url_without_a_scheme_is_refused() -> Result<()> {
    let doorward = initialised()?;
    refuses(&doorward, &["--public-url", "idp.example.org"], &["idp.example.org", "https://"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() -> Result<()> {
    let doorward = initialised()?;
    let _holder = TcpListener::bind(("127.0.0.1", doorward.port()))?;
    refuses(&doorward, &[], &[&doorward.port().to_string(), "in use", "listen"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_of_a_newer_version_is_left_alone() -> Result<()> {
    let mut doorward = initialised()?;
    doorward.serve().await?;
    doorward.stop();
    pretend_newer(&doorward)?;
    refuses(&doorward, &[], &["9999", "newer"]).await
}

/// Adds a migration of the future: a copy of the last one, with a number nobody has reached.
fn pretend_newer(doorward: &Doorward) -> Result<()> {
    let script = "import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.row_factory = sqlite3.Row
last = dict(database.execute('SELECT * FROM schema_migrations ORDER BY version DESC LIMIT 1').fetchone())
last['version'] = 9999
columns, marks = ', '.join(last), ', '.join('?' * len(last))
database.execute(f'INSERT INTO schema_migrations ({columns}) VALUES ({marks})', list(last.values()))
database.commit()";
    let output = Command::new("python3").arg("-c").arg(script).arg(sqlite_file(&doorward.directory())).output()?;
    ensure!(output.status.success(), "{}", all_text(&output));
    Ok(())
}

fn setup_address(text: &str) -> Option<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|letter: char| "\"'`<>(),.".contains(letter)))
        .find(|word| word.starts_with("http") && word.contains("/setup"))
        .map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_prints_a_setup_address_that_works_once() -> Result<()> {
    let mut doorward = Doorward::empty(Keeping::Sqlite)?;
    std::fs::create_dir_all(doorward.directory())?;
    std::fs::write(doorward.directory().join("doorward.toml"), format!("public_url = \"{}\"\n", doorward.url("")))?;
    doorward.serve().await?;
    let printed =
        wait::until("a setup address", Duration::from_secs(10), async || Ok(setup_address(&doorward.output())));
    let address = printed.await.with_context(|| doorward.output())?;
    let again = doorward.run(&["setup-url"])?;
    assert_eq!(setup_address(&again).as_deref(), Some(address.as_str()), "{again}");
    ensure!(address.starts_with(&doorward.url("/setup")), "{address}");

    let visitor = Visitor::new()?;
    let unbidden = visitor.follow(visitor.get(&doorward.url("/setup")).await?, "nowhere:").await?;
    assert!(!unbidden.has_button("finish-setup"), "anybody can set it up:\n{}", unbidden.body);

    let form = visitor.follow(visitor.get(&address).await?, "nowhere:").await?;
    let typed = [
        ("username", "root-of-all"),
        ("name", "Rosa Root"),
        ("email", "rosa@example.org"),
        ("password", PASSWORD),
        ("password_repeat", PASSWORD),
    ];
    let done = visitor.press(&form, "finish-setup", &typed).await?;
    let done = visitor.follow(done, "nowhere:").await?;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(!done.has_button("finish-setup"), "{}", done.body);
    let users = doorward.json(&["user", "list"])?.to_string();
    assert!(users.contains("root-of-all"), "{users}");

    // The address, and the very form that made the administrator, are worth nothing now.
    let stranger = Visitor::new()?;
    let second = stranger.follow(stranger.get(&address).await?, "nowhere:").await?;
    assert!(html::form_with_button(&second.body, "finish-setup").is_none(), "{}", second.body);
    visitor.press(&form, "finish-setup", &[&[("username", "second")], &typed[1..]].concat()).await?;
    let users = doorward.json(&["user", "list"])?.to_string();
    assert!(!users.contains("\"second\""), "{users}");
    let output = doorward.attempt(&["setup-url"])?;
    ensure!(!output.status.success(), "{}", all_text(&output));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_of_init_can_sign_in() -> Result<()> {
    let doorward = Doorward::start().await?;
    let page = Visitor::new()?.sign_in(&doorward.url("/if/admin/"), "admin", PASSWORD).await?;
    assert_eq!((page.status, page.url.path()), (200, "/if/admin/"), "{}", page.body);
    Ok(())
}
