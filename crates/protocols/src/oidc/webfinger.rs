//! Finding the issuer of somebody (RFC 7033; OpenID Connect Discovery 1.0, section 2).

use serde_json::{Value, json};

/// The relation of an issuer.
pub const ISSUER: &str = "http://openid.net/specs/connect/1.0/issuer";
/// Longest query, in bytes.
pub const QUERY_MAX: usize = 4 * 1024;
/// Most parameters.
pub const COUNT_MAX: usize = 20;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// About whom or what: any URI.
    pub resource: String,
    /// Whether the issuer is among the relations asked for; without any it is.
    pub wants_issuer: bool,
}

impl Question {
    /// Reads a query. `rel` may come more than once (RFC 7033, section 4.1), `resource` may not.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(query: &str) -> Result<Self, &'static str> {
        if query.len() > QUERY_MAX {
            return Err("The query is longer than 4 KiB.");
        }
        let (mut resource, mut relations) = (None, Vec::new());
        for (count, (name, value)) in form_urlencoded::parse(query.as_bytes()).enumerate() {
            match name.as_ref() {
                _ if count == COUNT_MAX => return Err("There are more than 20 parameters."),
                "resource" if resource.is_some() => return Err("resource is given twice."),
                "resource" => resource = Some(value.into_owned()),
                "rel" => relations.push(value.into_owned()),
                _ => {}
            }
        }
        let resource = resource.filter(|resource| is_uri(resource));
        let resource = resource.ok_or("resource must be a URI, such as acct:alice@example.org.")?;
        Ok(Self { resource, wants_issuer: relations.is_empty() || relations.iter().any(|rel| rel == ISSUER) })
    }

    /// The answer (RFC 7033, section 4.4), with the issuer that was found.
    pub fn answer(&self, issuer: &str) -> Value {
        let links = if self.wants_issuer { json!([{ "rel": ISSUER, "href": issuer }]) } else { json!([]) };
        json!({ "subject": self.resource, "links": links })
    }
}

/// Whether a text has a scheme and something behind it, and nothing that a URI cannot hold.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_issuer_is_given_where_it_is_asked_for() {
        let asks = |query: &str| Question::parse(query).map(|question| question.wants_issuer);
        let issuer = "rel=http%3A%2F%2Fopenid.net%2Fspecs%2Fconnect%2F1.0%2Fissuer";
        assert_eq!(asks("resource=acct%3Aalice%40example.org"), Ok(true));
        assert_eq!(asks(&format!("resource=https%3A%2F%2Fa.example%2F&rel=other&{issuer}")), Ok(true));
        assert_eq!(asks("resource=acct%3Aa%40b&rel=other"), Ok(false));
        let question = Question::parse("resource=acct:a@b").unwrap();
        assert_eq!(question.answer("https://i/")["links"][0]["href"], "https://i/");
        assert_eq!(Question { wants_issuer: false, ..question }.answer("https://i/")["links"], json!([]));
    }

    #[test]
    fn every_limit_holds() {
        let many = "a=b&".repeat(COUNT_MAX) + "resource=acct:a@b";
        let long = format!("resource=acct:{}", "a".repeat(QUERY_MAX));
        for query in [
            "",
            "resource=",
            "resource=alice",
            "resource=a:b&resource=a:b",
            "resource=a:b%00",
            "resource=:x",
            &many,
            &long,
        ] {
            assert!(Question::parse(query).is_err(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_panics(query in ".{0,300}") {
            let _ = Question::parse(&query);
        }
    }
}
