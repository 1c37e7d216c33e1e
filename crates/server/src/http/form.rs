//! Forms of our own pages: bounded, bound to the browser that was shown them.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
    response::Response,
};

use super::{error_page::ErrorPage, visitor::Visitor};
use crate::app::App;
use std::sync::Arc;

/// Largest form, in bytes: a page of settings with a PEM file fits many times.
pub const FORM_MAX: usize = 256 * 1024;
/// Most fields.
pub const FIELDS_MAX: usize = 2000;

/// Fields in the order they came; a name may come more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads an urlencoded body.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, &'static str> {
        if body.len() > FORM_MAX {
            return Err("The form is larger than 256 KiB.");
        }
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if fields.len() == FIELDS_MAX {
                return Err("The form has more than 2000 fields.");
            }
            if value.contains(['\0', '\u{fffd}']) {
                return Err("The form holds text that is not valid.");
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// A field; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// All values of a field that may come more than once.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        self.get(name) == "true"
    }
}

/// A form of ours. Refused unless it carries the token of the browser it came from.
#[derive(Debug, Clone)]
pub struct Form(pub Fields);

impl std::ops::Deref for Form {
    type Target = Fields;
    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl FromRequest<App> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let visitor = request.extensions().get::<Arc<Visitor>>().cloned();
        let Some(visitor) = visitor else {
            return Err(ErrorPage::internal("a form without visitor").render(app, None));
        };
        let refuse = |message: &str| ErrorPage::bad_form(message).render(app, Some(&visitor));
        if !is_urlencoded(request.headers()) {
            return Err(refuse("The form did not come as application/x-www-form-urlencoded."));
        }
        if request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
            return Err(ErrorPage::foreign_form().render(app, Some(&visitor)));
        }
        let body = Bytes::from_request(request, app).await.map_err(|_| refuse("The form is too large."))?;
        let fields = Fields::parse(&body).map_err(refuse)?;
        if !visitor.accepts_csrf(fields.get("csrf")) {
            return Err(ErrorPage::foreign_form().render(app, Some(&visitor)));
        }
        Ok(Self(fields))
    }
}

/// Whether a body is said to be a form.
pub fn is_urlencoded(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_may_repeat_and_missing_ones_are_empty() {
        let fields = Fields::parse(b"groups=a&groups=b&name=x").unwrap();
        assert_eq!(fields.all("groups").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((fields.get("name"), fields.get("missing")), ("x", ""));
        assert!(!fields.is_ticked("name"));
    }

    #[test]
    fn limits_hold() {
        assert!(Fields::parse(&vec![b'a'; FORM_MAX + 1]).is_err());
        assert!(Fields::parse("a=1&".repeat(FIELDS_MAX + 1).as_bytes()).is_err());
        assert!(Fields::parse(b"a=%00").is_err());
        assert!(Fields::parse(b"a=%ff").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Fields::parse(&body);
        }

        #[test]
        fn what_is_encoded_reads_back(pairs in prop::collection::vec(("[a-z]{1,8}", "[^\0\u{fffd}]{0,30}"), 0..20)) {
            let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            prop_assert_eq!(Fields::parse(encoded.as_bytes()).unwrap().0, pairs);
        }
    }
}
