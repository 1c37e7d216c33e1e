//! Who is asking: address, browser, and the person signed in there.

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{cipher::sha256_hex, random, session::Session, user::User};
use doorward_store as store;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use subtle::ConstantTimeEq;

use super::{cookies::Cookie, error_page::ErrorPage};
use crate::{
    actor::Actor,
    app::App,
    directory::person::{self, Person},
    oidc::{self, session_state},
};

/// Longest chain of proxies that is followed.
const PROXIES_MAX: usize = 20;

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Their session.
    pub session: Session,
    /// Who they are.
    pub user: User,
    /// With which groups and powers.
    pub person: Person,
}

/// Whoever is asking.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Address of the browser, as far as it can be believed.
    pub address: IpAddr,
    /// What the browser calls itself.
    pub user_agent: String,
    /// The browser's own mark.
    pub browser: String,
    /// Whether the mark is new and has to be sent.
    is_new_browser: bool,
    /// The person signed in, if there is one and they are active.
    pub signed_in: Option<SignedIn>,
    /// The token for forms of this browser.
    pub csrf: String,
    /// The state cookie that the browser sent.
    state: Option<String>,
}

impl Visitor {
    /// Whether a form came from a page of this browser.
    pub fn accepts_csrf(&self, token: &str) -> bool {
        self.csrf.as_bytes().ct_eq(token.as_bytes()).into()
    }

    /// Whether the browser sent its mark, and with it all cookies that it has.
    pub fn is_known(&self) -> bool {
        !self.is_new_browser
    }

    /// Whether an administrator is signed in.
    pub fn is_administrator(&self) -> bool {
        self.signed_in.as_ref().is_some_and(|signed_in| signed_in.person.is_superuser)
    }

    /// The same browser with nobody signed in: after signing out.
    #[must_use]
    pub fn signed_out(mut self) -> Self {
        self.signed_in = None;
        self
    }

    /// Whether the browser has to be given another state cookie. Other sites' forms and frames come without the cookies that
    /// would tell who is here, and change nothing.
    fn needs_state(&self, expected: &str) -> bool {
        let is_ours = self.signed_in.is_some() || (!self.is_new_browser && self.state.is_some());
        is_ours && self.state.as_deref() != Some(expected)
    }

    /// The visitor as somebody who changes things.
    pub fn actor(&self) -> Actor {
        let name = self.signed_in.as_ref().map_or("nobody", |signed_in| signed_in.user.profile.username.as_str());
        Actor {
            user: self.signed_in.as_ref().map(|signed_in| signed_in.user.id),
            name: name.to_owned(),
            address: self.address.to_string(),
            is_superuser: self.is_administrator(),
        }
    }
}

/// Finds out who is asking, for all pages. A database that is away makes a clear 503.
pub async fn attach(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let visitor = match identify(&app, request.headers(), peer(request.extensions())).await {
        Ok(visitor) => Arc::new(visitor),
        Err(error) => {
            return oidc::authorize::store_away(&app, request.method(), request.uri(), &error)
                .unwrap_or_else(|| ErrorPage::store(&error).render(&app, None));
        }
    };
    request.extensions_mut().insert(visitor.clone());
    // Another site's POST comes without cookies; a new mark would put an end to the sign-ins of a browser that has one.
    let is_foreign = request.method() == Method::POST && is_from_elsewhere(&app, request.headers());
    let mut response = next.run(request).await;
    if visitor.is_new_browser
        && !is_foreign
        && let Some(cookie) = Cookie::Browser.set(&visitor.browser, &app.config.public_url)
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    let state = session_state::of_browser(&app, &visitor);
    if visitor.needs_state(&state) && !session_state::is_set(&app, response.headers()) {
        session_state::set(&app, &mut response, &state);
    }
    response
}

/// Whether a form is another site's, by what browsers say of it. By plain HTTP, and if they are old, that is nothing but its
/// origin.
fn is_from_elsewhere(app: &App, headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "cross-site",
        None => headers.get(header::ORIGIN).is_some_and(|origin| origin != app.config.public_url.origin().as_str()),
    }
}

/// Who is asking, by what a request carries.
///
/// # Errors
/// What the database says.
pub async fn identify(app: &App, headers: &HeaderMap, peer: IpAddr) -> store::Result<Visitor> {
    let known = Cookie::Browser.read(headers, &app.config.public_url);
    let is_new_browser = known.is_none();
    let browser = known.unwrap_or_else(|| random::alphanumeric(22));
    let csrf = URL_SAFE_NO_PAD.encode(app.cipher.mac("csrf", browser.as_bytes()));
    let signed_in = match Cookie::Session.read(headers, &app.config.public_url) {
        Some(token) => find_session(app, &token).await?,
        None => None,
    };
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Visitor {
        address: client_address(app, headers, peer),
        user_agent: user_agent.to_owned(),
        browser,
        is_new_browser,
        signed_in,
        csrf,
        state: Cookie::State.read(headers, &app.config.public_url),
    })
}

async fn find_session(app: &App, token: &str) -> store::Result<Option<SignedIn>> {
    let (hash, now) = (sha256_hex(token.as_bytes()), app.clock.now());
    let found = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let Some(session) = store::session::find(tx, &hash, now).await? else { return Ok(None) };
                let person = person::read(tx, session.user).await?;
                Ok(person.map(|(user, groups)| (session, user, groups)))
            })
        })
        .await?;
    Ok(found.filter(|(_, user, _)| user.profile.is_active).map(|(session, user, groups)| {
        let person = Person::new(user.clone(), groups, &app.snapshot());
        SignedIn { session, user, person }
    }))
}

/// The address of the other end of the connection.
pub fn peer(extensions: &axum::http::Extensions) -> IpAddr {
    let info = extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip().to_canonical())
}

/// The browser's address: from `X-Forwarded-For`, read from its end as long as listed proxies wrote it
/// (CVE-2023-36456, CVE-2024-47070: what cannot be read ends the walk at the last address that can be believed).
pub fn client_address(app: &App, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    let entries: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(','))
        .collect();
    if !entries.is_empty() && !app.config.trusts(peer) {
        app.unlisted_proxy.call_once(|| {
            tracing::warn!(
                "X-Forwarded-For from {peer} is ignored, so everybody behind it counts as one address; if that is your \
                 proxy, set trusted_proxies = [\"{peer}\"]"
            );
        });
    }
    let mut address = peer;
    for entry in entries.iter().rev().take(PROXIES_MAX) {
        if !app.config.trusts(address) {
            break;
        }
        match entry.trim().parse::<IpAddr>() {
            Ok(next) => address = next.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

/// The visitor, in handlers of pages.
#[derive(Debug, Clone)]
pub struct CurrentVisitor(pub Arc<Visitor>);

impl std::ops::Deref for CurrentVisitor {
    type Target = Visitor;
    fn deref(&self) -> &Visitor {
        &self.0
    }
}

impl FromRequestParts<App> for CurrentVisitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visitor = parts.extensions.get::<Arc<Visitor>>().cloned();
        visitor.map(Self).ok_or_else(|| ErrorPage::internal("a page without visitor").render(app, None))
    }
}

/// Somebody signed in, in handlers of pages that need that. Others are sent to sign in, and come back.
#[derive(Debug, Clone)]
pub struct Member {
    /// The visitor.
    pub visitor: Arc<Visitor>,
    /// The person.
    pub signed_in: SignedIn,
}

impl FromRequestParts<App> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let CurrentVisitor(visitor) = CurrentVisitor::from_request_parts(parts, app).await?;
        match visitor.signed_in.clone() {
            Some(signed_in) => Ok(Self { visitor, signed_in }),
            None => Err(crate::auth::sign_in::redirect_here(app, &visitor, &parts.method, &parts.uri)),
        }
    }
}

/// An administrator, in handlers of administration pages.
#[derive(Debug, Clone)]
pub struct Administrator {
    /// The visitor.
    pub visitor: Arc<Visitor>,
    /// The administrator as somebody who changes things.
    pub actor: Actor,
}

impl FromRequestParts<App> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let member = Member::from_request_parts(parts, app).await?;
        if !member.signed_in.person.is_superuser {
            return Err(ErrorPage::not_administrator().render(app, Some(&member.visitor)));
        }
        Ok(Self { actor: member.visitor.actor(), visitor: member.visitor })
    }
}

/// The address of a program, for endpoints that have no visitor.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(client_address(app, &parts.headers, peer(&parts.extensions))))
    }
}
