//! Headers that every answer carries.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use std::collections::BTreeSet;

use doorward_protocols::forward_auth::PREFIX;

use crate::app::App;

/// Pages may load and post to nothing but themselves.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data: https: http:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// For pages whose form ends at an application: browsers apply `form-action` to all redirects that follow, and where an
/// application sends people on is not known here.
const LEADING_OUT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// For the one page that other sites hold in a frame: a script, and nothing else.
const FRAMED: &str = "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *";

/// Lets the form of a page lead out of Doorward: sign-in, consent, form post.
pub fn lead_out(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(LEADING_OUT));
    response
}

/// Lets any page hold an answer in a frame.
pub fn framed(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAMED));
    response.extensions_mut().insert(Framed);
    response
}

/// Marks an answer that any page may hold in a frame.
#[derive(Debug, Clone, Copy)]
struct Framed;

/// Lets a page load frames from these origins, which were found fit for a policy.
pub fn with_frames(mut response: Response, origins: &BTreeSet<String>) -> Response {
    let sources = origins.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    if let Ok(policy) = HeaderValue::from_str(&format!("{CONTENT_SECURITY_POLICY}; frame-src {sources}")) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Adds what is not there yet. Nothing but assets may be kept by caches unless a handler said otherwise.
pub async fn add(State(app): State<App>, request: Request, next: Next) -> Response {
    // What is said of a protected host is not Doorward's to say.
    let is_at_home = !request.uri().path().starts_with(PREFIX);
    let mut response = next.run(request).await;
    let is_framed = response.extensions().get::<Framed>().is_some();
    let headers = response.headers_mut();
    let defaults: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_framed {
        headers.remove(header::X_FRAME_OPTIONS);
    }
    if is_at_home && app.config.public_url.is_https() {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(value);
    }
    response
}
