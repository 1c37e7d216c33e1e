//! Independent clients in other languages: openid-client for Node, Authlib and social-auth-core for Python.

use anyhow::{Result, ensure};
use doorward_e2e::application::Application;
use doorward_e2e::doorward::Doorward;
use doorward_e2e::{environment, script};
use tokio::process::Command;

const GRANTS: &str = "authorization_code,implicit,hybrid,refresh_token,client_credentials,device_code";

async fn scene() -> Result<(Doorward, Application)> {
    let doorward = Doorward::start().await?;
    doorward.add_user("alice", "Alice Example")?;
    let more = ["--grant-types", GRANTS, "--logout-uri", script::REDIRECT_URI];
    let application = doorward.add_application("script", script::REDIRECT_URI, &more)?;
    doorward.settle().await;
    Ok((doorward, application))
}

fn file(name: &str) -> String {
    format!("{}/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

async fn python(name: &str) -> Result<()> {
    let interpreter = format!("{}/bin/python", environment::required("DOORWARD_TEST_PYTHON_CLIENTS")?);
    ensure!(std::path::Path::new(&interpreter).exists(), "{interpreter} is missing: run scripts/clients-env");
    let (doorward, application) = scene().await?;
    let mut command = Command::new(interpreter);
    command.arg(file(name));
    script::run(command, &doorward, &application).await
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_takes_every_flow() -> Result<()> {
    environment::required("DOORWARD_TEST_OPENID_CLIENT")?;
    let (doorward, application) = scene().await?;
    let mut command = Command::new(environment::program(&["node"])?);
    command.arg(file("openid_client.mjs"));
    script::run(command, &doorward, &application).await
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_takes_the_code_flow_and_tends_its_tokens() -> Result<()> {
    python("python_authlib.py").await
}

#[tokio::test(flavor = "multi_thread")]
async fn social_auth_core_signs_a_person_in() -> Result<()> {
    python("python_social_core.py").await
}
