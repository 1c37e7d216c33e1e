//! `doorward serve`: the server.

mod files;
mod listeners;

use axum_server::Handle;
use doorward_server::{
    app::App,
    jobs::Jobs,
    listen::{self, TlsFiles},
    setup,
};
use std::{
    io,
    net::{SocketAddr, TcpListener},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::Context,
    config::Flag,
    exit,
    open::{self, Place},
    output::print,
};
use listeners::Listeners;

const EXAMPLES: &str = "\
Examples:
  doorward serve
  doorward --data-dir /srv/doorward serve --public-url https://id.example.org
  doorward serve --listen 127.0.0.1:9000                   HTTP only, for instance behind a reverse proxy
  doorward serve --listen 0.0.0.0:80 --listen-https 0.0.0.0:443
  doorward serve --ldap-listen 0.0.0.0:389 --ldaps-listen 0.0.0.0:636

SIGINT and SIGTERM stop it once open requests are answered; a second one stops it at once.";

/// Options of `doorward serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Address and port for HTTP [default: 0.0.0.0:9000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address and port for HTTPS, or "off" [default: 0.0.0.0:9443, or off if --listen is given]
    #[arg(long, value_name = "ADDRESS")]
    listen_https: Option<String>,
    /// Address and port for LDAP with StartTLS, or "off" [default: 127.0.0.1:3389, or off if --listen is given]
    #[arg(long, value_name = "ADDRESS")]
    ldap_listen: Option<String>,
    /// Address and port for LDAPS, or "off" [default: 127.0.0.1:6636, or off if --listen is given]
    #[arg(long, value_name = "ADDRESS")]
    ldaps_listen: Option<String>,
    /// Address that browsers and applications use, such as https://id.example.org
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

impl Args {
    fn flags(&self) -> Vec<Flag> {
        [
            ("listen", "--listen", &self.listen),
            ("listen_https", "--listen-https", &self.listen_https),
            ("ldap_listen", "--ldap-listen", &self.ldap_listen),
            ("ldaps_listen", "--ldaps-listen", &self.ldaps_listen),
            ("public_url", "--public-url", &self.public_url),
        ]
        .into_iter()
        .filter_map(|(key, option, value)| Some((key, option, value.clone()?)))
        .collect()
    }
}

/// Runs the server until it is told to stop.
pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    let place = open::place(context, &args.flags(), "info")?;
    let mut stop = Stop::new()?;
    let listeners = Listeners::bind(&place, args.listen.is_some())?;
    let port = listeners.http.local_addr()?.port();
    let public_url = open::public_url(&place.settings, port)?;
    let app =
        open::start_with(&place, public_url, |config| config.ldap_connections = files::ldap_connections()).await?;
    open::remember_public_url(context, &app.config.public_url);
    let tls = if listeners.needs_tls() { Some(certificate(&place, &app)?) } else { None };
    announce(&app, &listeners).await?;
    let jobs = Jobs::default();
    jobs.start(&app);
    let handle = Handle::new();
    let servers = listeners.serve(app.clone(), tls, &jobs, &handle)?;
    let served = serve_until(&mut stop, servers, &handle).await;
    jobs.finish(&app).await;
    if let Err(error) = app.db.checkpoint() {
        tracing::warn!(%error, "the write-ahead log stays beside the database; nothing is lost");
    }
    served
}

fn certificate(place: &Place, app: &App) -> anyhow::Result<TlsFiles> {
    if let Some(files) = &place.settings.tls {
        return Ok(files.clone());
    }
    let files = TlsFiles::self_signed(&place.data_dir, &app.config.public_url).map_err(exit::failed)?;
    if !files.is_for(app.config.public_url.host()) {
        tracing::warn!(
            certificate = %files.certificate.display(),
            host = app.config.public_url.host(),
            "the self-signed certificate was made for another name, so that clients refuse it: remove it and its key \
             (https-key.pem), and a new one is made at the next start"
        );
    }
    Ok(files)
}

/// Says where Doorward is, and how to set it up if nobody did.
async fn announce(app: &App, listeners: &Listeners) -> anyhow::Result<()> {
    let public_url = &app.config.public_url;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        http = %listeners.http.local_addr()?,
        https = address(listeners.https.as_ref()),
        ldap = address(listeners.ldap.as_ref()),
        ldaps = address(listeners.ldaps.as_ref()),
        %public_url,
        data_dir = %app.config.data_dir.display(),
        "Doorward starts"
    );
    if listeners.ldap.is_none() && listeners.ldaps.is_none() && !app.snapshot().ldap.is_empty() {
        tracing::warn!("applications use LDAP, but it is off: say where with --ldap-listen or --ldaps-listen");
    }
    if public_url.is_insecure() {
        tracing::warn!("the public URL is plain http: passwords travel unprotected; use https");
    }
    print(&format!("Doorward is at {public_url}"))?;
    if let Some(url) = setup::setup_url(app).await? {
        print(&format!("There is no administrator yet. Open this address to make one; it works once.\nSetup: {url}"))?;
    }
    Ok(())
}

fn address(listener: Option<&TcpListener>) -> Option<impl tracing::Value> {
    listener.and_then(|listener| listener.local_addr().ok()).map(tracing::field::display)
}

/// Serves until a signal comes; then open requests are finished, unless a second signal comes.
async fn serve_until(
    stop: &mut Stop,
    servers: impl Future<Output = io::Result<()>>,
    handle: &Handle<SocketAddr>,
) -> anyhow::Result<()> {
    tokio::pin!(servers);
    tokio::select! {
        ended = &mut servers => return Ok(ended?),
        () = stop.signal() => {}
    }
    tracing::info!("stopping once open requests are answered");
    listen::stop(handle);
    tokio::select! {
        ended = &mut servers => Ok(ended?),
        () = stop.signal() => Ok(()),
    }
}

/// The signals that stop a server.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
