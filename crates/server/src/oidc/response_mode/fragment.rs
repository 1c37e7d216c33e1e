//! `response_mode=fragment`: behind the `#` of the redirect URI, where no server sees it.

/// An address with parameters as its fragment. It has none, which was checked.
pub(super) fn with_fragment(uri: &str, parameters: &[(&'static str, String)]) -> String {
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    // Scripts read it, and not all of them know that a plus may be a space; a plus itself is encoded already.
    format!("{uri}#{}", encoded.replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn queries_stay_and_values_are_encoded() {
        let parameters = [("id_token", "a.b-c_d".to_owned()), ("state", "a b+c&d#e\r\n".to_owned())];
        assert_eq!(
            with_fragment("https://a.example/cb?x=1%2F2", &parameters),
            "https://a.example/cb?x=1%2F2#id_token=a.b-c_d&state=a%20b%2Bc%26d%23e%0D%0A"
        );
        assert_eq!(with_fragment("com.example.app:/cb", &[("code", "c".to_owned())]), "com.example.app:/cb#code=c");
    }

    proptest! {
        #[test]
        fn what_is_sent_reads_back(state in "\\PC{0,60}") {
            let address = with_fragment("https://a.example/cb", &[("state", state.clone())]);
            prop_assert!(address.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
            let (_, fragment) = address.split_once('#').unwrap();
            let read: Vec<_> = form_urlencoded::parse(fragment.as_bytes()).into_owned().collect();
            prop_assert_eq!(read, vec![("state".to_owned(), state)]);
        }
    }
}
