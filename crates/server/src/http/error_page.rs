//! Error pages: what happened, whose problem it is, what to do, and a code under which the log says more.

use axum::{http::StatusCode, response::Response};
use doorward_core::{application::ApplicationProfile, event::EventKind, random};
use doorward_protocols::oauth::redirect_uri::Span;
use doorward_store as store;
use serde::Serialize;
use serde_json::json;

use super::visitor::Visitor;
use crate::{
    app::App,
    error::OperationError,
    events, pages,
    timeline::{StepDraft, Trail},
};

/// Whose problem it is.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The person's.
    You,
    /// The application's.
    Application,
    /// Doorward's.
    Server,
}

/// A link.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// Where to.
    pub href: String,
    /// Its text.
    pub label: String,
}

/// A registered redirect URI beside the received one.
#[derive(Debug, Clone, Serialize)]
pub struct RegisteredUri {
    /// The URI with the difference marked.
    pub spans: Vec<Span>,
    /// `exact` or `regex`.
    pub mode: &'static str,
}

/// Received and registered redirect URIs, for administrators.
#[derive(Debug, Clone, Serialize)]
pub struct RedirectCheck {
    /// Name of the application.
    pub client_name: String,
    /// What came, with the difference to the first registered one marked.
    pub received: Vec<Span>,
    /// What is registered.
    pub registered: Vec<RegisteredUri>,
    /// The application's administration page, with its slash.
    pub edit_href: String,
    /// The URI that could be added.
    pub add_uri: String,
}

/// An error page about to be shown.
#[derive(Debug, Clone)]
pub struct ErrorPage {
    status: StatusCode,
    title: &'static str,
    message: String,
    whose: Whose,
    advice: String,
    /// The code under which the log says more.
    pub reference: String,
    home: Option<Link>,
    restart: Option<String>,
    detail: Option<String>,
    redirect_check: Option<RedirectCheck>,
    step: Option<Box<(Trail, StepDraft)>>,
    near_miss: Option<String>,
    is_recorded: bool,
}

impl ErrorPage {
    /// A page with a new reference code.
    pub fn new(
        status: StatusCode,
        whose: Whose,
        title: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            status,
            title,
            message: message.into(),
            whose,
            advice: advice.into(),
            reference: random::reference(),
            home: None,
            restart: None,
            detail: None,
            redirect_check: None,
            step: None,
            near_miss: None,
            is_recorded: false,
        }
    }

    /// With a link back to the application.
    #[must_use]
    pub fn home(mut self, href: &str, label: impl Into<String>) -> Self {
        if !href.is_empty() {
            self.home = Some(Link { href: href.to_owned(), label: label.into() });
        }
        self
    }

    /// With a button to begin again.
    #[must_use]
    pub fn restart(mut self, href: impl Into<String>) -> Self {
        self.restart = Some(href.into());
        self
    }

    /// With more for signed-in administrators, and for the log.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With redirect URIs side by side, for signed-in administrators.
    #[must_use]
    pub fn redirect_check(mut self, check: RedirectCheck) -> Self {
        self.redirect_check = Some(check);
        self
    }

    /// The page's reference code is that of an entry written before.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = reference.into();
        self
    }

    /// The page is a step of a sign-in, under its code.
    #[must_use]
    pub fn on(mut self, trail: &Trail, step: StepDraft) -> Self {
        self.reference = trail.reference();
        self.step = Some(Box::new((trail.clone(), step)));
        self
    }

    /// A redirect URI that is not registered is kept, so that administrators are asked about it.
    #[must_use]
    pub fn near_miss(mut self, uri: &str) -> Self {
        self.near_miss = Some(uri.to_owned());
        self
    }

    /// The database said no.
    pub fn store(error: &store::Error) -> Self {
        match error {
            store::Error::Unavailable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Whose::Server,
                "Not available right now",
                "Doorward cannot reach its database.",
                "Nothing was changed. Try again in a moment; if it stays like this, tell your administrator the \
                 reference code.",
            ),
            _ => Self::internal("the database"),
        }
        .detail(error.to_string())
    }

    /// A fault of ours.
    pub fn internal(detail: &str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Whose::Server,
            "Something went wrong",
            "Doorward could not do this.",
            "Try again; if it happens again, tell your administrator the reference code.",
        )
        .detail(detail)
    }

    /// An operation was refused, where there is no form to show it in.
    pub fn operation(error: &OperationError) -> Self {
        match error {
            OperationError::Store(error) => Self::store(error),
            OperationError::Internal(detail) => Self::internal(detail),
            OperationError::NetBox(error) => Self::new(
                StatusCode::BAD_GATEWAY,
                Whose::Server,
                "NetBox did not do it",
                error.to_string(),
                "Check the connector's address and API token, then try again.",
            ),
            OperationError::NotFound { .. } => Self::not_found().detail(error.to_string()),
            OperationError::Denied(message) => {
                Self::new(StatusCode::FORBIDDEN, Whose::You, "Not allowed", message.clone(), "Nothing was changed.")
            }
            OperationError::Invalid(problems) => Self::new(
                StatusCode::BAD_REQUEST,
                Whose::You,
                "That does not work",
                problems.0.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join(" "),
                "Go back and correct it. Nothing was changed.",
            ),
        }
    }

    /// No such page.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            Whose::You,
            "There is no such page",
            "Nothing is kept at this address.",
            "Check the address, or start from your applications.",
        )
        .restart("/if/user/")
    }

    /// The first administrator has not been made yet.
    pub fn not_set_up() -> Self {
        Self::new(
            StatusCode::OK,
            Whose::You,
            "Almost there",
            "Doorward runs, but has no administrator yet.",
            "Open the setup address that was printed at the first start; \"doorward setup-url\" on the host prints it \
             again.",
        )
    }

    /// For administrators only.
    pub fn not_administrator() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            Whose::You,
            "For administrators",
            "This page is for administrators of Doorward.",
            "Sign in with an administrator's account, or ask an administrator.",
        )
    }

    /// An application that cannot be used from where the browser is.
    pub fn wrong_network(profile: &ApplicationProfile, visitor: &Visitor) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            Whose::You,
            "Not from this network",
            format!("{} cannot be used from where you are ({}).", profile.name, visitor.address),
            "Connect to the right network, for instance by VPN, and try again. If you are there already, tell your \
             administrator the reference code.",
        )
        .detail(format!(
            "the networks of {} are {}; {} is in none of them",
            profile.name, profile.networks, visitor.address
        ))
        .home(&profile.launch_url, format!("Back to {}", profile.name))
    }

    /// A form that cannot be read.
    pub fn bad_form(message: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            Whose::You,
            "The form could not be read",
            message,
            "Go back, load the page again and send it once more. Nothing was changed.",
        )
    }

    /// A form that was not shown to this browser.
    pub fn foreign_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            Whose::You,
            "The form has expired",
            "This form does not belong to this browser, or cookies are blocked.",
            "Go back, load the page again and send it once more. If that does not help, allow cookies for this address.",
        )
    }

    /// The page. Details are shown to administrators only, and written to the log for everybody.
    pub fn render(self, app: &App, visitor: Option<&Visitor>) -> Response {
        if self.status.is_server_error() {
            tracing::error!(reference = self.reference, detail = self.detail, "{}", self.message);
        } else {
            tracing::info!(reference = self.reference, detail = self.detail, "{}", self.message);
        }
        let is_administrator = visitor.is_some_and(Visitor::is_administrator);
        let context = json!({
            "status": self.status.as_u16(),
            "title": self.title,
            "message": self.message,
            "whose": self.whose,
            "advice": self.advice,
            "reference": self.reference,
            "time": app.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            "home": self.home,
            "restart": self.restart,
            "activity_href": (is_administrator && self.is_recorded)
                .then(|| format!("/if/admin/activity/{}/", self.reference)),
            "detail": self.detail.filter(|_| is_administrator),
            "redirect_check": self.redirect_check.filter(|_| is_administrator),
        });
        let mut response = pages::page(app, visitor, "error.html", context);
        *response.status_mut() = self.status;
        response
    }

    /// The page, with an entry in the activity log under the same code.
    pub async fn record(
        mut self,
        app: &App,
        visitor: &Visitor,
        kind: EventKind,
        client: Option<&crate::snapshot::Client>,
    ) -> Response {
        let text = self.detail.clone().unwrap_or_else(|| self.message.clone());
        let mut entry = events::Entry::new(kind, text);
        entry.reference.clone_from(&self.reference);
        entry.user = visitor.signed_in.as_ref().map(|signed_in| signed_in.user.id);
        entry.application = client.map(|client| client.application.id);
        entry.address = visitor.address.to_string();
        entry.near_miss = self.near_miss.take();
        if let Some(step) = self.step.take() {
            entry = entry.on(&step.0, step.1);
        }
        events::write(app, entry).await;
        self.is_recorded = true;
        self.render(app, Some(visitor))
    }
}
