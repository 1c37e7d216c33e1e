//! A browser as small as can be: keeps cookies, reads pages, sends forms.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use doorward_core::{cipher::Cipher, clock::Clock, user::UserProfile};
use doorward_server::{
    actor::Actor,
    app::App,
    config::Config,
    directory::users::{self, NewUser},
    public_url::PublicUrl,
    router::router,
    setup,
};
use doorward_store::db::Db;
use http_body_util::BodyExt;
use std::collections::{BTreeMap, BTreeSet};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A Doorward of its own, with the administrator "admin".
pub(crate) struct House {
    pub(crate) app: App,
    router: Router,
    _dir: TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(PublicUrl::parse("http://localhost:9000").unwrap(), dir.path().to_owned());
        let db = Db::sqlite(&dir.path().join("doorward.db")).unwrap();
        let app = App::start(config, db, Cipher::new([7; 32]), Clock::system()).await.unwrap();
        let mut profile = UserProfile::named("admin");
        profile.name = "Ada Admin".to_owned();
        setup::create_first_administrator(&app, profile, PASSWORD).await.unwrap();
        Self { router: router(app.clone()), app, _dir: dir }
    }

    /// Adds a person who may do nothing in particular.
    pub(crate) async fn add_user(&self, username: &str, name: &str) -> String {
        let profile = UserProfile {
            name: name.to_owned(),
            email: format!("{username}@example.org"),
            ..UserProfile::named(username)
        };
        let new = NewUser { profile, password: Some(PASSWORD.to_owned()), groups: BTreeSet::new() };
        users::create(&self.app, &Actor::command_line(), new).await.unwrap().id.to_string()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new() }
    }

    /// A browser in which somebody signed in through the form.
    pub(crate) async fn signed_in(&self, username: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.get("/sign-in").await;
        let fields = [
            ("csrf", page.value("csrf")),
            ("request", page.value("request")),
            ("username", username.to_owned()),
            ("password", PASSWORD.to_owned()),
        ];
        let answer = browser.post_raw("/sign-in", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        browser
    }

    pub(crate) async fn admin(&self) -> Browser {
        self.signed_in("admin").await
    }
}

pub(crate) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends exactly these fields.
    pub(crate) async fn post_raw(&mut self, path: &str, fields: &[(&str, String)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends these fields with the token that the pages of this browser carry.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut all = vec![("csrf", self.get("/if/admin/applications/new/").await.value("csrf"))];
        all.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.post_raw(path, &all).await
    }

    /// Sends fields, and follows to the page that says it is done.
    pub(crate) async fn done(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.errors());
        let mut page = self.get(&answer.location).await;
        assert_eq!(page.status, StatusCode::OK, "{}", answer.location);
        assert!(page.html.contains("id=\"notice\""), "{} says nothing", answer.location);
        page.location = answer.location.split('?').next().unwrap().to_owned();
        page
    }

    /// Sends fields that are refused, and returns the form with what is wrong.
    pub(crate) async fn refused(&mut self, path: &str, fields: &[(&str, &str)], field: &str, message: &str) -> Page {
        let page = self.post(path, fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let note = page.between(&format!("id=\"{field}-note\""), "</div>");
        assert!(note.contains(message), "{field}: {note} in {}", page.errors());
        assert!(page.html.contains(&format!("href=\"#{field}\"")), "the summary leads to {field}");
        page
    }

    async fn send(&mut self, mut request: Request<Body>) -> Page {
        request.headers_mut().insert(header::USER_AGENT, "Firefox/128.0 (Linux)".parse().unwrap());
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        // Templates escape more than has to be escaped; a slash is a slash.
        let html = String::from_utf8(body.to_vec()).unwrap().replace("&#x2f;", "/");
        Page { status, location: location.unwrap_or_default(), html }
    }
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) html: String,
}

impl Page {
    /// What stands between two texts.
    pub(crate) fn between(&self, start: &str, end: &str) -> &str {
        let (_, rest) = self.html.split_once(start).unwrap_or_else(|| panic!("no {start} in {}", self.html));
        rest.split(end).next().unwrap()
    }

    /// The opening tag that holds this text.
    pub(crate) fn tag(&self, part: &str) -> &str {
        let at = self.html.find(part).unwrap_or_else(|| panic!("no {part} in {}", self.html));
        let start = self.html[..at].rfind('<').unwrap();
        let end = at + self.html[at..].find('>').unwrap();
        &self.html[start..=end]
    }

    /// Value of the first input of that name.
    pub(crate) fn value(&self, name: &str) -> String {
        let tag = self.tag(&format!("name=\"{name}\""));
        let value = tag.split_once("value=\"").unwrap_or_else(|| panic!("no value in {tag}")).1;
        unescaped(value.split('"').next().unwrap())
    }

    /// Text of a `textarea`.
    pub(crate) fn area(&self, name: &str) -> String {
        let rest = self.between(&format!("<textarea id=\"{name}\""), "</textarea>");
        unescaped(rest.split_once(">\n").unwrap().1)
    }

    /// Text of the element with this id.
    pub(crate) fn text(&self, id: &str) -> String {
        unescaped(self.between(&format!("id=\"{id}\""), "</").split_once('>').unwrap().1)
    }

    pub(crate) fn is_checked(&self, part: &str) -> bool {
        self.tag(part).contains(" checked")
    }

    /// Whether the entry of this value is the selected one of some choice.
    pub(crate) fn is_selected(&self, value: &str) -> bool {
        self.html.contains(&format!("<option value=\"{value}\" selected>"))
    }

    pub(crate) fn heading(&self) -> &str {
        self.between("<h1>", "</h1>")
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.html.contains(text)
    }

    pub(crate) fn errors(&self) -> &str {
        if self.has("id=\"error-summary\"") { self.between("id=\"error-summary\"", "</ul>") } else { &self.html }
    }
}

fn unescaped(html: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")];
    pairs.iter().fold(html.to_owned(), |text, (from, to)| text.replace(from, to))
}
