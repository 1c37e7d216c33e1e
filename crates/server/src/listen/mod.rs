//! Listening: HTTP and HTTPS, with limits for slow and for large requests.

mod certificate;

pub use certificate::{TlsFiles, write_private};

use axum::{Router, ServiceExt, extract::Request};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use hyper_util::rt::TokioTimer;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};
use tower::{Layer, util::MapRequestLayer};

use crate::http::slashes;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request may take altogether, sending its body included.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open requests may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Takes an address before anything else is done, so that "in use" is said at once.
///
/// # Errors
/// A sentence that says what to change.
pub fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{address} is in use: another program listens there already; stop it, or choose another address with --listen or the \
             setting listen"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("listening on {address} is not allowed; ports below 1024 need CAP_NET_BIND_SERVICE")
        }
        io::ErrorKind::AddrNotAvailable => format!("this machine has no address {}", address.ip()),
        _ => format!("cannot listen on {address}: {error}"),
    })?;
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(listener)
}

/// Serves until the handle is told to stop.
///
/// # Errors
/// What the operating system says.
pub async fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    router: Router,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    let router = router.layer(axum::middleware::from_fn(time_limit));
    let service = MapRequestLayer::new(slashes::merge::<_>).layer(router);
    let service = ServiceExt::<Request<_>>::into_make_service_with_connect_info::<SocketAddr>(service);
    match tls {
        None => {
            let mut server =
                axum_server::from_tcp(listener)?.http1_only().first_request_timeout(HEAD_TIMEOUT).handle(handle);
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            server.serve(service).await
        }
        Some(tls) => {
            let mut server = axum_server::from_tcp_rustls(listener, tls)?
                .http1_only()
                .first_request_timeout(HEAD_TIMEOUT)
                .handle(handle);
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            server.serve(service).await
        }
    }
}

/// Tells servers to stop, with time for open requests.
pub fn stop(handle: &Handle<SocketAddr>) {
    handle.graceful_shutdown(Some(GRACE));
}

async fn time_limit(request: Request, next: axum::middleware::Next) -> axum::response::Response {
    use axum::response::IntoResponse;
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => axum::http::StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}
