//! Pages shown at protected hosts. They name Doorward's own address for their style sheet and can be read without it.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use doorward_core::{event::EventKind, user::portable_username};
use doorward_protocols::forward_auth::original::Original;
use serde_json::json;
use std::net::IpAddr;

use super::{
    check::Denial,
    client::ProxyClient,
    diagnosis::{Facts, Finding, SessionCookie, findings},
    forwarded::Misread,
    session::Found,
    visit::Visit,
};
use crate::{app::App, directory::person::Person, events, pages};

/// Longest host of a request that a page repeats, in characters.
const HOST_SHOWN: usize = 100;

/// A page about to be shown.
#[derive(Debug)]
pub(super) struct Page {
    status: StatusCode,
    title: &'static str,
    message: String,
    advice: String,
    findings: Vec<Finding>,
    restart: Option<String>,
    reference: String,
}

impl Page {
    fn new(status: StatusCode, title: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            status,
            title,
            message: message.into(),
            advice: advice.into(),
            findings: Vec::new(),
            restart: None,
            reference: String::new(),
        }
    }

    /// Writes an entry into the activity log, under whose code the page is shown.
    async fn record(mut self, app: &App, entry: events::Entry) -> Self {
        self.reference = events::write(app, entry).await;
        self
    }

    /// The page.
    pub(super) fn render(self, app: &App) -> Response {
        let origin = app.config.public_url.origin();
        let context = json!({
            "base": origin,
            "status": self.status.as_u16(),
            "title": self.title,
            "message": self.message,
            "advice": self.advice,
            "findings": self.findings,
            "restart": self.restart,
            "reference": self.reference,
            "time": app.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        });
        let mut response = pages::page(app, None, "protected.html", context);
        *response.status_mut() = self.status;
        let policy = format!(
            "default-src 'none'; style-src {origin}; img-src {origin}; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

fn entry(text: String, address: IpAddr, client: Option<&ProxyClient>) -> events::Entry {
    let mut entry = events::Entry::new(EventKind::AuthorizationFailed, text);
    entry.address = address.to_string();
    entry.application = client.map(|client| client.application.id);
    entry
}

/// A proxy asks that is not listed.
pub(super) async fn unlisted(app: &App, peer: IpAddr) -> Response {
    let page = Page::new(
        StatusCode::FORBIDDEN,
        "This proxy is not listed",
        format!("A proxy at {peer} asked Doorward whether you may pass, but Doorward does not know it."),
        format!(
            "Administrators: if it is yours, set trusted_proxies = [\"{peer}\"] in Doorward's configuration and start Doorward \
             again."
        ),
    );
    let text = format!(
        "forward auth: a question from {peer} is refused; if that is your proxy, set trusted_proxies = [\"{peer}\"]"
    );
    page.record(app, entry(text, peer, None)).await.render(app)
}

/// A proxy's question cannot be read.
pub(super) async fn unreadable(app: &App, misread: &Misread, address: IpAddr) -> Response {
    let page = Page::new(
        StatusCode::FORBIDDEN,
        "The proxy's question cannot be read",
        format!("Doorward cannot read what you asked for: {misread}."),
        "If you typed the address, check it. If it happens with every page, compare the proxy's configuration with the one that \
         Doorward prints.",
    );
    page.record(app, entry(format!("forward auth: {misread}"), address, None)).await.render(app)
}

/// No application is behind a host.
pub(super) async fn unknown_host(app: &App, host: &str, address: IpAddr) -> Response {
    let host: String = host.chars().filter(|sign| !sign.is_control()).take(HOST_SHOWN).collect();
    let page = Page::new(
        StatusCode::FORBIDDEN,
        "No application is at this host",
        format!("No application in Doorward has this external host: {host}"),
        "Open the application at its usual address. Administrators: the activity log lists the hosts there are; the proxy has to \
         pass on the host that the browser asked for.",
    );
    let known: Vec<String> = app.snapshot().proxies.iter().map(|client| client.external.to_string()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let text = format!("forward auth: no application has the external host {host:?}; there are: {known}");
    page.record(app, entry(text, address, None)).await.render(app)
}

/// Somebody is known and may not pass.
pub(super) async fn denied(app: &App, visit: &Visit<'_>, person: &Person, denial: Denial) -> Page {
    let (name, username) = (&visit.client.application.profile.name, &person.user.profile.username);
    let (page, text) = match denial {
        Denial::NoAccess => (
            Page::new(
                StatusCode::FORBIDDEN,
                "No access",
                format!("You are signed in as {username}, but {name} is not open to you."),
                "Ask your administrator for access, and name the application and the reference code.",
            ),
            format!("{name}: {username} is disabled, or the access rule does not let them in"),
        ),
        Denial::UnportableName => (
            Page::new(
                StatusCode::FORBIDDEN,
                "Your username cannot be passed on",
                format!(
                    "{name} reads usernames of letters, digits and @ + . _ - only; it would take {username} for somebody else."
                ),
                "Ask your administrator for another username, and name the reference code.",
            ),
            format!(
                "{name}: the username {username:?} cannot be told in a header; it would become {:?}",
                portable_username(username)
            ),
        ),
    };
    let mut entry = entry(text, visit.address, Some(&visit.client));
    entry.user = Some(person.user.id);
    page.record(app, entry).await
}

/// Somebody showed who they are by `Authorization`, and may not pass. What happened is written down.
pub(super) fn not_allowed(visit: &Visit<'_>, reference: String) -> Page {
    let name = &visit.client.application.profile.name;
    let page = Page::new(
        StatusCode::FORBIDDEN,
        "No access",
        format!("{name} is not open to this account."),
        "Ask your administrator for access, and name the application and the reference code.",
    );
    Page { reference, ..page }
}

/// A browser goes round in circles.
pub(super) async fn looping(
    app: &App,
    visit: &Visit<'_>,
    asked: Option<&Original>,
    session: &Found,
    target: &str,
) -> Response {
    let client = &visit.client;
    let findings = findings(&facts(visit, asked, session, true));
    let page = Page::new(
        StatusCode::BAD_REQUEST,
        "Signed in again and again",
        format!(
            "You signed in to {} several times within seconds, and each time you were sent back to sign in: the browser goes round \
             in circles.",
            client.application.profile.name
        ),
        "This is a matter of the proxy before the application. Tell your administrator the reference code and what stands below.",
    );
    explained(app, visit, page, findings, "a browser goes round in circles", Some(target.to_owned())).await
}

/// A browser came back without what it was given at the beginning.
pub(super) async fn lost(app: &App, visit: &Visit<'_>, session: &Found, came_back: bool) -> Response {
    let findings = findings(&Facts {
        // There is no session yet: its cookie says nothing.
        session: SessionCookie::Dead(super::cookie::Sent::None),
        ..facts(visit, None, session, came_back)
    });
    // With the cookie there, only the state is wrong: too old, or another browser's.
    let findings = if came_back { Vec::new() } else { findings };
    let page = Page::new(
        StatusCode::BAD_REQUEST,
        "The sign-in could not be finished",
        "It was begun in another browser or more than ten minutes ago, or this browser did not bring back the cookie that it was \
         given.",
        "Start again. If that does not help, allow cookies for this address.",
    );
    let home = format!("{}/", visit.client.external);
    explained(app, visit, page, findings, "a callback without its state", Some(home)).await
}

/// A sign-in came to nothing.
pub(super) async fn unfinished(app: &App, visit: &Visit<'_>, why: &str, target: &str) -> Response {
    let page = Page::new(
        StatusCode::BAD_REQUEST,
        "The sign-in could not be finished",
        "Doorward did not let you in this time.",
        "Start again. If that does not help, tell your administrator the reference code.",
    );
    explained(app, visit, page, Vec::new(), &format!("the sign-in was not finished: {why}"), Some(target.to_owned()))
        .await
}

fn facts<'a>(visit: &'a Visit<'_>, asked: Option<&'a Original>, session: &Found, came_back: bool) -> Facts<'a> {
    Facts {
        external: &visit.client.external,
        cookie_domain: visit.client.cookie_domain(),
        cookie: &visit.client.cookie,
        scheme: visit.scheme,
        asked,
        session: match session {
            Found::Living(_) => SessionCookie::Living,
            Found::None(sent) => SessionCookie::Dead(sent.clone()),
        },
        came_back,
    }
}

async fn explained(
    app: &App,
    visit: &Visit<'_>,
    page: Page,
    findings: Vec<Finding>,
    what: &str,
    restart: Option<String>,
) -> Response {
    let name = &visit.client.application.profile.name;
    let seen: String = findings.iter().map(|finding| format!(" {}", finding.seen)).collect();
    let entry = entry(format!("{name}: {what}.{seen}"), visit.address, Some(&visit.client));
    Page { findings, restart, ..page }.record(app, entry).await.render(app)
}
