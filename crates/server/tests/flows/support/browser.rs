//! A browser without JavaScript: cookies, redirects within Doorward, forms.

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use doorward_server::http::slashes;
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use tower::ServiceExt;

/// The outside address in tests.
pub(super) const ORIGIN: &str = "https://id.example.org";

#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    /// The other end of the connection.
    pub peer: std::net::IpAddr,
    /// Sent with every request.
    pub headers: Vec<(&'static str, String)>,
}

/// What a browser shows, or where it was sent outside of Doorward.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Page {
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Self { status: parts.status.as_u16(), headers: parts.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// A parameter of the address the browser is sent to.
    pub(crate) fn redirect_parameter(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(self.location()).ok()?;
        url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    /// The parameters of the fragment of the address the browser is sent to.
    pub(crate) fn fragment(&self) -> BTreeMap<String, String> {
        let fragment = self.location().split_once('#').map_or("", |(_, fragment)| fragment);
        assert!(!fragment.contains('+'), "a plus in a fragment may be read as itself: {fragment}");
        form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
    }

    /// Value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let marker = format!("name=\"{name}\" value=\"");
        let start =
            self.body.find(&marker).unwrap_or_else(|| panic!("no field {name} in {}", self.body)) + marker.len();
        let end = start + self.body[start..].find('"').unwrap();
        self.body[start..end].replace("&#x2f;", "/").replace("&amp;", "&")
    }

    /// The page with escaped characters read back.
    pub(crate) fn text(&self) -> String {
        self.body
            .replace("&#x2f;", "/")
            .replace("&quot;", "\"")
            .replace("&#x27;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Browser {
    pub(crate) fn new(router: Router) -> Self {
        Self { router, cookies: BTreeMap::new(), peer: std::net::Ipv4Addr::LOCALHOST.into(), headers: Vec::new() }
    }

    /// One request, redirects not followed.
    pub(crate) async fn request(&mut self, method: &str, target: &str, body: Option<&[(&str, &str)]>) -> Page {
        let path = target.strip_prefix(ORIGIN).unwrap_or(target);
        let mut request = Request::builder().method(method).uri(path);
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = match body {
            None => Body::empty(),
            Some(fields) => {
                request = request.header("content-type", "application/x-www-form-urlencoded");
                Body::from(form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
            }
        };
        let mut request = slashes::merge(request.body(body).unwrap());
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from((self.peer, 40_000))));
        let page = Page::read(self.router.clone().oneshot(request).await.unwrap()).await;
        for cookie in page.headers.get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        page
    }

    /// GET, following redirects as long as they stay within Doorward.
    pub(crate) async fn get(&mut self, target: &str) -> Page {
        let page = self.request("GET", target, None).await;
        self.follow(page).await
    }

    /// POST of a form with the page's hidden fields, following redirects within Doorward.
    pub(crate) async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let (csrf, request) = (page.hidden("csrf"), page.hidden("request"));
        let mut all = vec![("csrf", csrf.as_str()), ("request", request.as_str())];
        all.extend_from_slice(fields);
        let page = self.request("POST", action, Some(&all)).await;
        self.follow(page).await
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..10 {
            let target = page.location().to_owned();
            if !(target.starts_with('/') || target.starts_with(ORIGIN)) {
                return page;
            }
            page = self.request("GET", &target, None).await;
        }
        panic!("redirected in circles: {}", page.location());
    }

    /// Opens an address, fills in the sign-in form that appears, and returns what comes next.
    pub(crate) async fn sign_in(&mut self, target: &str, username: &str, password: &str) -> Page {
        let form = self.get(target).await;
        assert!(form.body.contains("id=\"sign-in\""), "no sign-in form at {target}: {} {}", form.status, form.body);
        self.submit(&form, "/sign-in", &[("username", username), ("password", password)]).await
    }
}
