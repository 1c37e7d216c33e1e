//! `response_mode=query`: in the query of the redirect URI.

use url::Url;

/// An address with parameters added to its query; what stands there already stays as it is.
pub fn with_query(uri: &str, parameters: &[(&'static str, String)]) -> String {
    let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
    url.query_pairs_mut().extend_pairs(parameters);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_queries_stay_and_values_are_encoded() {
        let parameters = [("state", "a b&c#d".to_owned())];
        assert_eq!(
            with_query("https://a.example/cb?x=1%2F2", &parameters),
            "https://a.example/cb?x=1%2F2&state=a+b%26c%23d"
        );
        assert_eq!(with_query("com.example.app:/cb", &parameters), "com.example.app:/cb?state=a+b%26c%23d");
    }
}
