//! What the pages about one's own account share.

use axum::{http::StatusCode, response::Response};
use doorward_core::{problem::Problems, secret::Secret};
use serde_json::{Value, json};

use crate::{
    app::App,
    auth::{
        again::Again,
        password::SignInError,
        sign_in::{message, see_other},
    },
    error::{OperationError, OperationResult},
    http::{error_page::ErrorPage, form::Fields, visitor::Member},
    pages,
};

/// Where the pages are.
pub(super) const HOME: &str = "/if/user/security/";

/// What was done before the browser came back. Only the code travels in the address, never the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    PasswordChanged,
    AuthenticatorSetUp,
    AuthenticatorRemoved,
    AppPasswordRemoved,
}

impl Done {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (
            Self::PasswordChanged,
            "password-changed",
            "Your password is changed, and you are signed out everywhere else.",
        ),
        (Self::AuthenticatorSetUp, "authenticator-set-up", "The authenticator app is set up."),
        (Self::AuthenticatorRemoved, "authenticator-removed", "The authenticator app is removed."),
        (Self::AppPasswordRemoved, "app-password-removed", "The app password is removed; it is refused from now on."),
    ];

    /// Sends the browser back to say so.
    pub(super) fn back(self) -> Response {
        let code = Self::ALL.into_iter().find(|(done, ..)| *done == self).map_or("", |(_, code, _)| code);
        see_other(&format!("{HOME}?done={code}"))
    }

    /// What a code stands for.
    pub(super) fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, found, _)| *found == code).map(|(done, ..)| done)
    }

    /// What the page says about it.
    pub(super) fn sentence(self) -> &'static str {
        Self::ALL.into_iter().find(|(done, ..)| *done == self).map_or("", |(.., sentence)| sentence)
    }
}

/// A page; refused with 422 if there are problems.
pub(super) fn page(app: &App, member: &Member, template: &str, mut context: Value, problems: &Problems) -> Response {
    if let Value::Object(context) = &mut context {
        context.insert("nav".to_owned(), json!("security"));
        context.insert("errors".to_owned(), pages::errors(problems));
    }
    let mut response = pages::page(app, Some(&member.visitor), template, context);
    // A page that could not be rendered keeps its own status.
    if !problems.0.is_empty() && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

/// The answer, or the error page for what stood in its way.
pub(super) fn settle(app: &App, member: &Member, result: OperationResult<Response>) -> Response {
    result.unwrap_or_else(|error| ErrorPage::operation(&error).render(app, Some(&member.visitor)))
}

/// What somebody signed in gave to show again who they are: the fields `current_password` and `code`.
pub(super) fn again(member: &Member, form: &Fields) -> Again {
    Again {
        user: member.signed_in.user.id,
        password: Secret::from(form.get("current_password")),
        code: form.get("code").to_owned(),
        address: member.visitor.address,
    }
}

/// Why somebody could not show again who they are, at the field it is about.
pub(super) fn not_again(error: SignInError) -> OperationError {
    let field = match error {
        SignInError::Store(error) => return OperationError::Store(error),
        SignInError::Wrong { reference } => {
            let text = format!("This is not your password. (Reference {reference})");
            return OperationError::invalid("current_password", text);
        }
        SignInError::WrongCode { .. } => "code",
        _ => "",
    };
    OperationError::invalid(field, message(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_has_a_code_of_its_own_and_nothing_else_has_a_sentence() {
        for (done, code, sentence) in Done::ALL {
            assert_eq!((Done::find(code), done.sentence()), (Some(done), sentence));
            let location = done.back().headers().get("location").unwrap().to_str().unwrap().to_owned();
            assert_eq!(location, format!("/if/user/security/?done={code}"));
        }
        assert_eq!(Done::find("You have been hacked"), None);
    }
}
