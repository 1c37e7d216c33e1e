//! Reading what a proxy says about the request it asks for.

use axum::http::HeaderMap;
use doorward_protocols::forward_auth::original::{Original, OriginalError};

/// Why it cannot be read. Nobody is let in then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misread {
    /// A header is missing.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header is there more than once.
    #[error("the header {0} is there more than once")]
    Twice(&'static str),
    /// A header holds what is not ASCII.
    #[error("the header {0} holds characters that are not ASCII")]
    NotAscii(&'static str),
    /// The address is none.
    #[error("the original URL is refused: {0}")]
    Url(#[from] OriginalError),
}

/// The value of a header that has to be there exactly once.
pub(super) fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, Misread> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Misread::Missing(name))?;
    if values.next().is_some() {
        return Err(Misread::Twice(name));
    }
    value.to_str().map_err(|_| Misread::NotAscii(name))
}

/// The original URL in three parts, as Traefik and Caddy send it.
pub(super) fn original(headers: &HeaderMap) -> Result<Original, Misread> {
    let scheme = one(headers, "x-forwarded-proto")?;
    let host = one(headers, "x-forwarded-host")?;
    let uri = one(headers, "x-forwarded-uri")?;
    Ok(Original::from_parts(scheme, host, uri)?)
}
