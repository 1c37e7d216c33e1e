//! One request, one answer; and lists, page by page.

use bytes::Bytes;
use reqwest::{Method, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::{ENTRIES_MAX, NetBox, NetBoxError, NetBoxResult, PAGE, authorization};
use crate::outbound::{Answer, Request};

/// Longest text of NetBox that is repeated in an error, in characters.
const DETAIL_MAX: usize = 300;

/// A page of a list.
#[derive(Debug, Deserialize)]
struct Page {
    next: Option<String>,
    results: Vec<Value>,
}

/// What is allowed, by method; NetBox leaves the member out where nothing is.
#[derive(Debug, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    pub(super) actions: serde_json::Map<String, Value>,
}

impl NetBox<'_> {
    /// Reads one thing. `doing` says what for, as in "may not …".
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        doing: &str,
    ) -> NetBoxResult<T> {
        let answer = self.ask(Method::GET, path, query, None, doing).await?;
        self.read(&answer)
    }

    /// Sends JSON and reads what comes back.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        doing: &str,
    ) -> NetBoxResult<T> {
        let answer = self.ask(method, path, &[], Some(body), doing).await?;
        self.read(&answer)
    }

    /// Asks what is allowed.
    pub(super) async fn options(&self, path: &str) -> NetBoxResult<Options> {
        let answer = self.ask(Method::OPTIONS, path, &[], None, "ask what it may do").await?;
        self.read(&answer)
    }

    /// Deletes. Says whether there was something to delete.
    pub(super) async fn delete(&self, path: &str, doing: &str) -> NetBoxResult<bool> {
        match self.ask(Method::DELETE, path, &[], None, doing).await {
            Ok(_) => Ok(true),
            Err(NetBoxError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads a list to its end, `max` entries at most. Pages begin after the last number seen, so that what is added or
    /// deleted meanwhile neither hides nor doubles another entry.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        what: &str,
        max: usize,
    ) -> NetBoxResult<Vec<T>> {
        let (limit, mut after) = (PAGE.to_string(), 0_i64);
        let mut found = Vec::new();
        loop {
            let from = after.to_string();
            let mut page_query = query.to_vec();
            page_query.extend([("ordering", "id"), ("limit", limit.as_str()), ("id__gt", from.as_str())]);
            let page: Page = self.get(path, &page_query, &format!("see {what}")).await?;
            let last = page.next.is_none();
            let before = after;
            for entry in page.results {
                let id = entry.get("id").and_then(Value::as_i64);
                after = id.filter(|id| *id > after).ok_or_else(|| self.not_netbox("a list is not in order"))?;
                found.push(serde_json::from_value(entry).map_err(|error| self.not_netbox(error))?);
            }
            if found.len() > max.min(ENTRIES_MAX) {
                return Err(NetBoxError::TooMany { what: what.to_owned(), max });
            }
            if last {
                return Ok(found);
            }
            if after == before {
                return Err(self.not_netbox("a list promises more and gives nothing"));
            }
        }
    }

    /// Makes a request and sorts the answer by its status.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        doing: &str,
    ) -> NetBoxResult<Answer> {
        let url = self.address(path, query);
        let answer = self.exchange(method, url, body).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(NetBoxError::Unauthorized { detail: detail(&answer) }),
            StatusCode::FORBIDDEN => Err(self.forbidden(path, doing, &answer).await),
            _ => self.sort(answer, doing),
        }
    }

    async fn exchange(&self, method: Method, url: Url, body: Option<&Value>) -> NetBoxResult<Answer> {
        let mut request = Request::new(method, url)
            .header(header::AUTHORIZATION, &authorization(self.token.expose()))
            .header(header::ACCEPT, "application/json");
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json");
            request.body = Bytes::from(body.to_string());
        }
        request.timeout = self.timeout;
        Ok(self.outbound.send(request).await?)
    }

    fn sort(&self, answer: Answer, doing: &str) -> NetBoxResult<Answer> {
        let status = answer.status;
        if status.is_success() {
            return Ok(answer);
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(NetBoxError::Unavailable { status: status.as_u16() });
        }
        if status.is_redirection() {
            let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            let location = location.unwrap_or("somewhere else");
            return Err(self.not_netbox(format!("it redirects to {location}; give the address it redirects to")));
        }
        if serde_json::from_slice::<Value>(&answer.body).is_err() {
            return Err(self.not_netbox(format!("it answers {}, and not with JSON", status.as_u16())));
        }
        if status == StatusCode::NOT_FOUND {
            return Err(NetBoxError::NotFound { what: format!("such thing to {doing}") });
        }
        Err(NetBoxError::Refused { doing: doing.to_owned(), status: status.as_u16(), detail: detail(&answer) })
    }

    /// NetBox answers 403 both to a token it does not know and to a permission that is missing. What every account may
    /// see tells them apart, whatever the words and their language.
    async fn forbidden(&self, path: &str, doing: &str, answer: &Answer) -> NetBoxError {
        if serde_json::from_slice::<Value>(&answer.body).is_err() {
            return self.not_netbox("it answers 403, and not with JSON: something in front of NetBox refuses");
        }
        let detail = detail(answer);
        if path == "status/" {
            return NetBoxError::Unauthorized { detail };
        }
        match self.exchange(Method::GET, self.address("status/", &[]), None).await {
            Err(error) => error,
            Ok(answer) if answer.status.is_success() => NetBoxError::Forbidden { doing: doing.to_owned(), detail },
            Ok(answer) if answer.status.is_server_error() => {
                NetBoxError::Unavailable { status: answer.status.as_u16() }
            }
            Ok(_) => NetBoxError::Unauthorized { detail },
        }
    }

    fn address(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/api/{path}", self.base.path().trim_end_matches('/')));
        url.set_query(None);
        url.set_fragment(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> NetBoxResult<T> {
        serde_json::from_slice(&answer.body).map_err(|error| self.not_netbox(error))
    }

    pub(super) fn not_netbox(&self, detail: impl ToString) -> NetBoxError {
        let detail = detail.to_string().chars().take(DETAIL_MAX).collect();
        NetBoxError::NotNetBox { address: self.base.to_string(), detail }
    }
}

/// What NetBox says is wrong: `{"detail": "…"}`, or `{"field": ["…"]}`.
fn detail(answer: &Answer) -> String {
    let text = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(members)) => match members.get("detail").and_then(Value::as_str) {
            Some(detail) => detail.to_owned(),
            None => {
                members.iter().map(|(field, said)| format!("{field}: {}", words(said))).collect::<Vec<_>>().join("; ")
            }
        },
        Ok(other) => words(&other),
        Err(_) => "no reason given".to_owned(),
    };
    text.chars().filter(|c| !c.is_control()).take(DETAIL_MAX).collect()
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::stub::{Stub, user};
    use super::*;
    use crate::outbound::{Outbound, OutboundError};
    use serde_json::json;

    async fn users_error(answers: &[(&str, u16, &str)]) -> NetBoxError {
        let stub = Stub::new(answers);
        let outbound = Outbound::default();
        stub.netbox(&outbound).users().await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_token_and_a_missing_permission_are_told_apart() {
        let denied = r#"{"detail":"You do not have permission to perform this action."}"#;
        let invalid = r#"{"detail":"Invalid v1 token"}"#;
        let missing = users_error(&[("GET /api/users/users/", 403, denied), ("GET /api/status/", 200, "{}")]).await;
        assert!(matches!(&missing, NetBoxError::Forbidden { doing, .. } if doing == "see users"), "{missing}");
        assert!(!missing.concerns_token());
        let refused = users_error(&[("GET /api/users/users/", 403, invalid), ("GET /api/status/", 403, invalid)]).await;
        assert_eq!(refused, NetBoxError::Unauthorized { detail: "Invalid v1 token".to_owned() });
        assert!(refused.concerns_token());
        assert!(matches!(users_error(&[("GET /api/users/users/", 401, "")]).await, NetBoxError::Unauthorized { .. }));
        let ill = users_error(&[("GET /api/users/users/", 403, denied), ("GET /api/status/", 500, "")]).await;
        assert_eq!(ill, NetBoxError::Unavailable { status: 500 });
    }

    #[tokio::test]
    async fn what_is_not_netbox_is_named() {
        for (status, body, said) in [
            (200, "<html>", "expected value"),
            (404, "<html>", "not with JSON"),
            (403, "<html>", "something in front"),
            (301, "", "https://elsewhere.example.org/"),
            (200, r#"{"results":[{"id":3},{"id":3}]}"#, "missing field"),
        ] {
            let error = users_error(&[("GET /api/users/users/", status, body)]).await;
            assert!(matches!(error, NetBoxError::NotNetBox { .. }) && error.to_string().contains(said), "{error}");
        }
        let ill = users_error(&[("GET /api/users/users/", 502, "<html>")]).await;
        assert!(ill.is_passing() && ill == NetBoxError::Unavailable { status: 502 });
    }

    #[tokio::test]
    async fn nobody_there_is_said() {
        let outbound = Outbound::default();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let netbox = NetBox::new(&outbound, format!("http://{closed}/").parse().unwrap(), "x".into());
        let error = netbox.status().await.unwrap_err();
        assert!(matches!(error, NetBoxError::Unreachable(OutboundError::Connect { .. })), "{error}");
        assert!(error.is_passing());
    }

    #[tokio::test]
    async fn lists_are_read_page_by_page_and_liars_are_noticed() {
        let page = |ids: &[i64], next: bool| {
            let results: Vec<_> = ids.iter().map(|id| user(*id, &format!("u{id}"))).collect();
            json!({ "next": next.then_some("http://x/"), "results": results }).to_string()
        };
        let outbound = Outbound::default();
        let (first, second) = (page(&[1, 4], true), page(&[5], false));
        let stub = Stub::new(&[("id__gt=0", 200, &first), ("id__gt=4", 200, &second)]);
        let users = stub.netbox(&outbound).users().await.unwrap();
        assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), [1, 4, 5]);
        let asked = stub.requests();
        assert!(asked[0].starts_with("GET /api/users/users/?ordering=id&limit=200&id__gt=0"), "{asked:?}");
        for lie in [page(&[2, 1], false), page(&[1], true), page(&[], true)] {
            let stub = Stub::new(&[("GET /api/users/users/", 200, &lie)]);
            let error = stub.netbox(&outbound).users().await.unwrap_err();
            assert!(matches!(error, NetBoxError::NotNetBox { .. }), "{error}");
        }
        let many = page(&(1..=30).collect::<Vec<_>>(), false);
        let stub = Stub::new(&[("GET /api/users/users/", 200, &many)]);
        let list = stub.netbox(&outbound).list::<Value>("users/users/", &[], "users", 20).await;
        assert_eq!(list.unwrap_err(), NetBoxError::TooMany { what: "users".to_owned(), max: 20 });
    }

    #[test]
    fn addresses_keep_a_path_in_front() {
        let outbound = Outbound::default();
        for (base, whole) in [
            ("https://n.example.org", "https://n.example.org/api/status/?a=%26"),
            ("https://n.example.org/netbox/?x#y", "https://n.example.org/netbox/api/status/?a=%26"),
        ] {
            let netbox = NetBox::new(&outbound, base.parse().unwrap(), "x".into());
            assert_eq!(netbox.address("status/", &[("a", "&")]).as_str(), whole);
        }
    }

    #[test]
    fn what_netbox_says_is_kept_short_and_clean() {
        let said = |body: &str| {
            detail(&Answer {
                status: StatusCode::BAD_REQUEST,
                headers: header::HeaderMap::new(),
                body: Bytes::from(body.to_owned()),
            })
        };
        assert_eq!(said(r#"{"detail":"No."}"#), "No.");
        assert_eq!(said(r#"{"name":["Taken.","Really."],"x":["y"]}"#), "name: Taken. Really.; x: y");
        assert_eq!(said("nothing"), "no reason given");
        assert_eq!(said(&format!("[\"{}\"]", "x".repeat(1000))).len(), DETAIL_MAX);
        assert_eq!(said(r#"["a\nb"]"#), "ab");
    }
}
