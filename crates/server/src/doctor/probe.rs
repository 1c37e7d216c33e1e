//! Requests of the doctor: few, small, none followed to another place, and all of them within one span of time.

use doorward_core::clock::Clock;
use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, DATE, HeaderMap, HeaderName, LOCATION, REFERER, SET_COOKIE},
};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

use super::{
    clock::{Sample, http_date},
    evidence::{Begin, Fetched, HeaderTrial, NetBoxEnd, Seen},
    netbox_page::{AuthorizeUrl, BACKEND, LoginPage, exception},
};
use crate::outbound::{Answer, Outbound, OutboundError, Request};

/// How long one request may take.
pub const EACH: Duration = Duration::from_secs(8);
/// Most of a body that is looked at, in bytes.
pub const BODY_MAX: usize = 512 * 1024;
/// Most cookies that are sent back.
const COOKIES_MAX: usize = 10;
/// A host that is nobody's (RFC 2606, section 2).
const STRANGER: &str = "doorward-doctor.invalid";

/// Asks until its time is over.
pub struct Probe<'a> {
    outbound: &'a Outbound,
    clock: &'a Clock,
    until: Instant,
    /// What the answers since the last look say about the other clock.
    pub samples: Vec<Sample>,
}

impl<'a> Probe<'a> {
    /// One that stops asking after a while.
    pub fn new(outbound: &'a Outbound, clock: &'a Clock, patience: Duration) -> Self {
        Self { outbound, clock, until: Instant::now() + patience, samples: Vec::new() }
    }

    /// How long the next request may take.
    pub fn patience(&self) -> Duration {
        self.remaining().min(EACH)
    }

    /// How much time is left for all.
    pub fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Makes one request.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(&mut self, request: Request) -> Result<Answer, OutboundError> {
        let sent = self.clock.now();
        let answer = self.outbound.send(Request { timeout: self.patience(), ..request }).await?;
        let received = self.clock.now();
        let date = answer.headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?));
        self.samples.extend(date.map(|date| Sample { sent, received, date }));
        Ok(answer)
    }

    /// Fetches an address.
    pub async fn fetch(&mut self, url: Url) -> Fetched {
        let (said, request) = (url.to_string(), Request::get(url));
        Fetched { url: said, outcome: self.ask(request).await.map(|answer| seen(&answer)) }
    }

    /// Asks a NetBox for its login page, and then to begin a sign-in, as a browser would: no credentials, no sign-in.
    pub async fn netbox(&mut self, base: &Url) -> (Fetched, Option<NetBoxEnd>) {
        let login = at(base, "/login/");
        let answer = self.ask(Request::get(login.clone())).await;
        let fetched = Fetched { url: login.to_string(), outcome: answer.as_ref().map(seen).map_err(Clone::clone) };
        let Ok(answer) = answer else { return (fetched, None) };
        let page = LoginPage::parse(&text(&answer));
        if !page.is_netbox {
            return (fetched, None);
        }
        let cookies = cookies(&answer.headers);
        let begin = Some(self.begin(base, &page, &cookies, None).await);
        let takes_forwarded_host = match &begin {
            Some(Begin::Sent(_)) => {
                let answered = self.begin(base, &page, &cookies, Some(STRANGER)).await;
                Some(matches!(answered, Begin::Sent(request) if request.redirect_uri.contains(STRANGER)))
            }
            _ => None,
        };
        let api = self.ask(Request::get(at(base, "/api/"))).await.ok();
        let api_version = api.as_ref().and_then(|answer| header(&answer.headers, "api-version"));
        (fetched, Some(NetBoxEnd { login: page, begin, takes_forwarded_host, api_version }))
    }

    /// The request that begins a sign-in: a form since 4.7, a link before. `host`: sent as a proxy would send it.
    async fn begin(&mut self, base: &Url, page: &LoginPage, cookies: &str, host: Option<&str>) -> Begin {
        let by_link = page.version.is_some_and(|version| version < (4, 7, 0));
        let request = if by_link {
            Request::get(at(base, &format!("/oauth/login/{BACKEND}/")))
        } else {
            form(&at(base, &format!("/oauth/begin/{BACKEND}/")), page.csrf.as_deref().unwrap_or_default())
        };
        let mut referer = at(base, "/login/");
        let mut request = request.header(ACCEPT, "application/json").header(COOKIE, cookies);
        if let Some(host) = host {
            // Behind https Django compares the two.
            let _ = (referer.set_host(Some(host)), referer.set_port(None));
            request = request.header(HeaderName::from_static("x-forwarded-host"), host);
        }
        match self.ask(request.header(REFERER, referer.as_str())).await {
            Ok(answer) => begun(&answer),
            Err(error) => Begin::Silent(error),
        }
    }

    /// Says in headers to be somebody, as a proxy would that had signed them in, and asks who that is.
    pub async fn headers(&mut self, base: &Url, names: &[String], username: &str) -> HeaderTrial {
        let url = at(base, "/api/users/config/");
        let mut request = Request::get(url.clone());
        for name in names.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()) {
            request = request.header(name, username);
        }
        let outcome = self.ask(request).await.map(|answer| answer.status.as_u16());
        HeaderTrial { url: url.to_string(), headers: names.to_vec(), username: username.to_owned(), outcome }
    }
}

fn form(url: &Url, csrf: &str) -> Request {
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("csrfmiddlewaretoken", csrf).finish();
    let request = Request { body: body.into(), ..Request::new(Method::POST, url.clone()) };
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded")
}

fn begun(answer: &Answer) -> Begin {
    let location = header(&answer.headers, LOCATION.as_str()).unwrap_or_default();
    match answer.status.as_u16() {
        200 => AuthorizeUrl::parse_answer(&text(answer)).map_or(Begin::Odd(200), Begin::Sent),
        // The link of older versions leads straight on.
        status @ 300..400 => match AuthorizeUrl::parse(&location) {
            Some(request) if !request.client_id.is_empty() => Begin::Sent(request),
            _ if location.contains("/login/") => Begin::BackToLogin,
            _ => Begin::Odd(status),
        },
        403 => Begin::Forbidden(title(&text(answer))),
        404 => Begin::NotEnabled,
        status @ 500..600 => exception(&text(answer)).map_or(Begin::Odd(status), Begin::Failed),
        status => Begin::Odd(status),
    }
}

/// An address of an application: its own, whose path is kept, and a path below it.
pub fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// What the checks look at.
pub fn seen(answer: &Answer) -> Seen {
    Seen {
        status: answer.status.as_u16(),
        location: header(&answer.headers, LOCATION.as_str()),
        content_type: header(&answer.headers, CONTENT_TYPE.as_str()).unwrap_or_default(),
        text: text(answer),
    }
}

fn text(answer: &Answer) -> String {
    let body = answer.body.get(..BODY_MAX).unwrap_or(&answer.body);
    String::from_utf8_lossy(body).into_owned()
}

fn title(html: &str) -> String {
    let inside = html.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    inside.map(|(title, _)| title.to_owned()).unwrap_or_default()
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The cookies of an answer, as they are sent back.
fn cookies(headers: &HeaderMap) -> String {
    let set = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs: Vec<&str> = set.filter_map(|cookie| cookie.split(';').next()).take(COOKIES_MAX).collect();
    pairs.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::{StatusCode, header::HeaderValue};

    fn answer(status: u16, location: &str, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        if !location.is_empty() {
            headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        }
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned().into() }
    }

    #[test]
    fn every_answer_to_the_begin_request_has_a_meaning() {
        let authorize = "https://id.example.org/application/o/authorize/?client_id=k&redirect_uri=r&scope=openid";
        let json = format!("{{\"url\": \"{authorize}\"}}");
        assert!(matches!(begun(&answer(200, "", &json)), Begin::Sent(_)));
        assert!(matches!(begun(&answer(302, authorize, "")), Begin::Sent(_)));
        assert_eq!(begun(&answer(302, "/login/", "")), Begin::BackToLogin);
        assert_eq!(begun(&answer(404, "", "")), Begin::NotEnabled);
        assert_eq!(begun(&answer(403, "", "<title>403 Forbidden</title>")), Begin::Forbidden("403 Forbidden".into()));
        assert_eq!(begun(&answer(500, "", "<pre class=\"block\">x</pre>")), Begin::Failed("x".into()));
        for (status, location) in [(500, ""), (200, ""), (302, "https://elsewhere.example.org/"), (418, "")] {
            assert_eq!(begun(&answer(status, location, "")), Begin::Odd(status));
        }
    }

    #[test]
    fn the_path_of_an_application_is_kept() {
        let base: Url = "https://lab.example.org/netbox/?x=1".parse().unwrap();
        assert_eq!(at(&base, "/login/").as_str(), "https://lab.example.org/netbox/login/");
        assert_eq!(at(&"https://nb.example.org".parse().unwrap(), "/api/").as_str(), "https://nb.example.org/api/");
    }

    #[test]
    fn cookies_go_back_as_they_came_and_not_too_many() {
        let mut headers = HeaderMap::new();
        for n in 0..COOKIES_MAX + 5 {
            headers.append(SET_COOKIE, HeaderValue::from_str(&format!("c{n}=v; HttpOnly; Path=/")).unwrap());
        }
        let sent = cookies(&headers);
        assert!(sent.starts_with("c0=v; c1=v; c2=v"), "{sent}");
        assert_eq!(sent.matches('=').count(), COOKIES_MAX);
    }
}
