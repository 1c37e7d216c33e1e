//! Load for an OpenID provider: connections that are kept do the same operation in a closed loop, and every answer is checked.
//! One scenario per run; prints one line of JSON. `scripts/bench` runs it against Doorward and against npm's oidc-provider.

#![expect(clippy::print_stdout, reason = "a tool for measuring prints; nothing of it is shipped")]

mod checks;
mod scenario;

use anyhow::Result;
use clap::Parser;
use doorward_e2e::load::Plan;

use crate::scenario::{Scenario, Target, Worker};

#[derive(Debug, Parser)]
#[command(about = "Asks an OpenID provider as fast as it answers, and checks every answer")]
struct Arguments {
    /// What to do.
    #[arg(long)]
    scenario: Scenario,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    plan: Plan,
}

fn main() -> Result<()> {
    let Arguments { scenario, target, plan } = &Arguments::parse();
    let workers = (0..plan.connections).map(|number| {
        let mut worker = Worker::new(target, number)?;
        Ok(move || worker.operate(*scenario))
    });
    let workers = workers.collect::<Result<Vec<_>>>()?;
    println!("{}", plan.measure(workers)?);
    Ok(())
}
