//! Load for an LDAP server: connections that are kept, in a closed loop, and answers that are checked. One scenario per
//! run; prints one line of JSON. `scripts/bench` runs it against Doorward and against slapd.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool for measuring reads its environment and prints; nothing of it is shipped"
)]

mod ber;
mod run;
mod scenario;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tokio::task::JoinSet;

use crate::run::{Connection, Counted, Phase, Shared};
use crate::scenario::{Prepared, Scenario, Tree};

/// The kernel counts processor time in hundredths of a second (`USER_HZ`, see `man 5 proc`).
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug, Parser)]
#[command(about = "Asks an LDAP server as fast as it answers, and checks every answer")]
struct Arguments {
    /// Address and port of the server.
    #[arg(long)]
    address: String,
    /// Base DN of the tree.
    #[arg(long)]
    base: String,
    /// Who searches; the password stands in `DOORWARD_LOAD_BIND_PASSWORD`.
    #[arg(long)]
    bind_dn: String,
    /// How many users the directory has. Their password stands in `DOORWARD_LOAD_USER_PASSWORD`.
    #[arg(long)]
    users: u32,
    /// What to ask.
    #[arg(long)]
    scenario: Scenario,
    /// How long to measure.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How long to ask before measuring.
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Connections that ask side by side.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The server's process, to count its processor time.
    #[arg(long)]
    server_pid: u32,
}

/// What came out.
#[derive(Debug)]
struct Figures {
    counted: Counted,
    elapsed: Duration,
    processor: Duration,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // One thread: the load has one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(load(&arguments))?;
    println!("{}", report(&arguments, figures)?);
    Ok(())
}

async fn load(arguments: &Arguments) -> Result<Figures> {
    let password = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let tree = Tree {
        base: arguments.base.clone(),
        users: arguments.users,
        password: password("DOORWARD_LOAD_USER_PASSWORD")?,
    };
    ensure!(tree.users >= 1000 && tree.users.is_multiple_of(1000), "the number of users is a multiple of 1,000");
    let scenario = arguments.scenario;
    let requests: Arc<[Prepared]> = scenario.requests(&tree).into();
    let sign_in =
        Prepared { bytes: scenario::bind(&arguments.bind_dn, &password("DOORWARD_LOAD_BIND_PASSWORD")?), entries: 0 };
    let mut connections = Vec::new();
    for _ in 0..arguments.connections {
        let mut connection = Connection::open(&arguments.address).await?;
        if scenario.is_search() {
            connection.ask(&sign_in).await.context("cannot sign in")?;
        }
        connections.push(connection);
    }
    if let (true, Some(connection)) = (scenario.is_primed(), connections.first_mut()) {
        for request in requests.iter() {
            connection.ask(request).await?;
        }
    }
    measure(arguments, connections, &requests).await
}

async fn measure(arguments: &Arguments, connections: Vec<Connection>, requests: &Arc<[Prepared]>) -> Result<Figures> {
    let is_once = arguments.scenario.is_once();
    let shared = Arc::new(Shared::default());
    shared.enter(if is_once { Phase::Measure } else { Phase::WarmUp });
    let apart = requests.len() / connections.len().max(1);
    let mut begin = Instant::now();
    let mut processor = processor_time(arguments.server_pid)?;
    let mut tasks = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        let (requests, shared) = (requests.clone(), shared.clone());
        tasks.spawn(async move {
            if is_once {
                connection.share_out(&requests, &shared).await
            } else {
                connection.repeat(&requests, number * apart, &shared).await
            }
        });
    }
    if !is_once {
        tokio::time::sleep(Duration::from_secs_f64(arguments.warm_up)).await;
        (begin, processor) = (Instant::now(), processor_time(arguments.server_pid)?);
        shared.enter(Phase::Measure);
        tokio::time::sleep(Duration::from_secs_f64(arguments.seconds)).await;
        shared.enter(Phase::Stop);
    }
    let stopped = (begin.elapsed(), processor_time(arguments.server_pid)?);
    let mut counted = Counted::default();
    while let Some(task) = tasks.join_next().await {
        let one = task??;
        counted.latencies.extend(one.latencies);
        counted.bytes += one.bytes;
    }
    let (elapsed, end) = if is_once { (begin.elapsed(), processor_time(arguments.server_pid)?) } else { stopped };
    Ok(Figures { counted, elapsed, processor: end.saturating_sub(processor) })
}

fn report(arguments: &Arguments, figures: Figures) -> Result<serde_json::Value> {
    let Figures { counted: Counted { mut latencies, bytes }, elapsed, processor } = figures;
    ensure!(!latencies.is_empty(), "not one answer came in time");
    latencies.sort_unstable();
    let at = |hundredth: usize| {
        let place = latencies.len() * hundredth / 100;
        latencies.get(place).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    };
    let count = f64::from(u32::try_from(latencies.len())?);
    Ok(serde_json::json!({
        "scenario": format!("{:?}", arguments.scenario),
        "count": latencies.len(),
        "rate": count / elapsed.as_secs_f64(),
        "p50_us": at(50),
        "p99_us": at(99),
        "cpu_us": processor.as_secs_f64() * 1e6 / count,
        "bytes": bytes / u64::try_from(latencies.len())?,
    }))
}

/// What a process used of the processor so far, in user and kernel mode (fields 14 and 15 of `/proc/PID/stat`).
fn processor_time(pid: u32) -> Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the server's process has gone")?;
    // The name of the program, in parentheses, may hold spaces.
    let (_, fields) = text.rsplit_once(") ").context("/proc/PID/stat without a name")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}
