//! `session_state` (OpenID Connect Session Management 1.0, sections 2 and 3.2).

use doorward_core::cipher::sha256_hex;
use url::Url;

/// The value for an answer to `redirect_uri`: a salted hash over client ID, origin and the browser's state. Whoever asks from
/// another origin gets another hash. `None` where the answer goes to no web origin: nobody could ask from there.
pub fn session_state(client_id: &str, redirect_uri: &str, browser_state: &str, salt: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let origin = url.origin().ascii_serialization();
    let hash = sha256_hex(format!("{client_id} {origin} {browser_state} {salt}").as_bytes());
    Some(format!("{hash}.{salt}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_salted_hash_over_client_origin_and_state() {
        let state = session_state("client", "https://a.example:443/cb?x=1", "browser", "salt").unwrap();
        // printf 'client https://a.example browser salt' | sha256sum
        let expected = sha256_hex(b"client https://a.example browser salt");
        assert_eq!(state, format!("{expected}.salt"));
    }

    #[test]
    fn every_part_counts_and_applications_without_origin_get_none() {
        let of = |client: &str, uri: &str, browser: &str, salt: &str| session_state(client, uri, browser, salt);
        let first = of("client", "https://a.example/", "b", "s");
        assert_ne!(first, of("other", "https://a.example/", "b", "s"));
        assert_ne!(first, of("client", "https://b.example/", "b", "s"));
        assert_ne!(first, of("client", "https://a.example/", "c", "s"));
        assert_ne!(first, of("client", "https://a.example/", "b", "t"));
        assert_eq!(of("client", "com.example.app:/cb", "b", "s"), None);
    }
}
