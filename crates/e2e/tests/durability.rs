//! What was answered is kept, whatever happens to the process.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use doorward_e2e::client::{Client, Tokens, refused_as_invalid_grant};
use doorward_e2e::doorward::{Doorward, sqlite_file};
use doorward_e2e::visitor::{Page, Visitor};
use doorward_e2e::wait;

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

/// How many people sign in side by side.
const PEOPLE: usize = 6;

/// The process is killed once this many rounds were answered, in the middle of the next ones.
const ROUNDS: usize = 60;

/// Everything of one round was answered 200 before the process was killed.
struct Round {
    spent_code: String,
    spent_token: String,
    fresh_token: String,
}

/// One round: a code, its tokens, and one refresh. `None` once the server has gone.
async fn round(client: &Client, visitor: &Visitor, username: &str) -> Result<Option<Round>> {
    let Ok(spent_code) = client.code(visitor, username).await else { return Ok(None) };
    let Ok(answer) = client.redeem(visitor, &spent_code).await else { return Ok(None) };
    let spent_token = refresh_token(&answer)?;
    let Ok(answer) = client.refresh(visitor, &spent_token).await else { return Ok(None) };
    let fresh_token = refresh_token(&answer)?;
    Ok(Some(Round { spent_code, spent_token, fresh_token }))
}

fn refresh_token(answer: &Page) -> Result<String> {
    Tokens::read(answer)?.refresh.context("no refresh token")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_load_loses_nothing_that_was_answered() -> Result<()> {
    let mut doorward = Doorward::start().await?;
    let application = doorward.add_application("load", REDIRECT_URI, &[])?;
    let client = Client::new(&doorward, &application, REDIRECT_URI);
    let people: Vec<_> = (0..PEOPLE).map(|number| format!("person-{number}")).collect();
    people.iter().try_for_each(|username| doorward.add_user(username, "Load Example"))?;
    doorward.settle().await;

    let answered = Arc::new(AtomicUsize::new(0));
    let mut load = tokio::task::JoinSet::new();
    for username in people {
        let (client, answered, visitor) = (client.clone(), answered.clone(), Visitor::new()?);
        load.spawn(async move {
            let mut rounds = Vec::new();
            while let Some(done) = round(&client, &visitor, &username).await? {
                rounds.push(done);
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, anyhow::Error>(rounds)
        });
    }
    wait::until("the load", Duration::from_mins(1), async || {
        Ok((answered.load(Ordering::Relaxed) >= ROUNDS).then_some(()))
    })
    .await?;
    doorward.kill()?;
    let rounds: Vec<_> = load.join_all().await.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    ensure!(rounds.len() >= ROUNDS);

    check_file(&doorward)?;
    doorward.serve().await?;
    let visitor = Visitor::new()?;
    for round in &rounds {
        // First the good one: a replay revokes the grant.
        let answer = client.refresh(&visitor, &round.fresh_token).await?;
        Tokens::read(&answer).context("a refresh token that was answered is lost")?;
        let replay = client.refresh(&visitor, &round.spent_token).await?;
        refused_as_invalid_grant(&replay).context("a refresh token can be used twice")?;
        let replay = client.redeem(&visitor, &round.spent_code).await?;
        refused_as_invalid_grant(&replay).context("a code can be used twice")?;
    }
    doorward.stop();
    check_file(&doorward)
}

/// SQLite's own checks, by another program than the one that wrote the file, and on a copy: what a killed
/// process left must be put right by Doorward itself.
fn check_file(doorward: &Doorward) -> Result<()> {
    let script = "import glob, shutil, sqlite3, sys, tempfile
with tempfile.TemporaryDirectory() as copy:
    for file in glob.glob(sys.argv[1] + '*'):
        shutil.copy(file, copy)
    database = sqlite3.connect(copy + '/' + sys.argv[1].rsplit('/', 1)[1])
    checks = ('integrity_check', 'foreign_key_check')
    print([database.execute('PRAGMA ' + check).fetchall() for check in checks])";
    let output = Command::new("python3").arg("-c").arg(script).arg(sqlite_file(&doorward.directory())).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(text.trim() == "[[('ok',)], []]", "{text}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
