//! Load for an HTTP server: connections that are kept ask the same, wait for the whole answer, check its status and ask again.
//! Prints one line of JSON. `scripts/bench` runs it.

#![expect(clippy::print_stdout, reason = "a tool for measuring prints; nothing of it is shipped")]

use anyhow::Result;
use clap::Parser;
use doorward_e2e::load::{Connection, Plan};

#[derive(Debug, Parser)]
#[command(about = "Asks an HTTP server the same as fast as it answers, and checks every answer")]
struct Arguments {
    /// Address and port of the server.
    #[arg(long)]
    address: String,
    /// Path to ask for.
    #[arg(long)]
    path: String,
    /// More headers, such as "Cookie: a=b".
    #[arg(long = "header")]
    headers: Vec<String>,
    /// The status that must come.
    #[arg(long, default_value_t = 200)]
    status: u16,
    #[command(flatten)]
    plan: Plan,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let headers: String = arguments.headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = &format!("GET {} HTTP/1.1\r\n{headers}\r\n", arguments.path);
    let workers = (0..arguments.plan.connections).map(|_| {
        let mut connection = Connection::open(&arguments.address)?;
        Ok(move || connection.ask(request.as_bytes())?.with_status(arguments.status).map(drop))
    });
    let workers = workers.collect::<Result<Vec<_>>>()?;
    println!("{}", arguments.plan.measure(workers)?);
    Ok(())
}
