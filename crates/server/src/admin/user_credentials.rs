//! What a user signs in with beside the password: authenticator app and app passwords, as administrators see them.

use axum::{extract::Path, response::Response};
use doorward_core::{
    app_password::AppPassword,
    id::{AppPasswordId, UserId},
    secret::Secret,
    user::{User, UserType},
};
use serde_json::{Value, json};

use super::{
    desk::{Desk, Done, id},
    user::{self, Shown},
};
use crate::{
    directory::{app_passwords, authenticators, users},
    error::{OperationError, OperationResult},
    http::form::{Fields, Form},
    pages::{
        self,
        app_passwords::{self as rows, Choosable},
    },
};

/// `POST /if/admin/users/<id>/authenticator/remove/`.
pub(super) async fn remove_authenticator(desk: Desk, Path(user): Path<String>, _form: Form) -> Response {
    let answer = async {
        let user: UserId = id("user", &user)?;
        authenticators::remove(&desk.app, &desk.actor, user).await?;
        Ok(Desk::done(&user::address(user), Done::AuthenticatorRemoved))
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/users/<id>/app-passwords/add/`: the one time the secret is shown. People make their own.
pub(super) async fn add_app_password(desk: Desk, Path(text): Path<String>, form: Form) -> Response {
    let answer = async {
        let (user, _) = users::find(&desk.app, id("user", &text)?).await?;
        if user.profile.user_type != UserType::ServiceAccount {
            return Err(OperationError::Denied("People make their own app passwords, under Security.".to_owned()));
        }
        let made = match rows::read(&desk.app, user.id, &form, &choosable(&desk)) {
            Ok(new) => rows::make(&desk.app, &desk.actor, new).await,
            Err(error) => Err(error),
        };
        match made {
            Ok(new) => user::show_again(&desk, &user, Shown { new: Some(new), ..Shown::default() }).await,
            Err(OperationError::Invalid(problems)) => {
                user::show_again(&desk, &user, Shown { typed: form.0.clone(), problems, new: None }).await
            }
            Err(error) => Err(error),
        }
    };
    desk.settle(answer.await)
}

/// `POST /if/admin/users/<id>/app-passwords/<password>/delete/`.
pub(super) async fn delete_app_password(
    desk: Desk,
    Path((user, password)): Path<(String, String)>,
    _form: Form,
) -> Response {
    let answer = async {
        let user: UserId = id("user", &user)?;
        let password: AppPasswordId = id("app password", &password)?;
        app_passwords::delete(&desk.app, &desk.actor, user, password).await?;
        Ok(Desk::done(&user::address(user), Done::AppPasswordRemoved))
    };
    desk.settle(answer.await)
}

/// What the page of a user says about it.
pub(super) async fn context(
    desk: &Desk,
    user: Option<&User>,
    typed: &Fields,
    new: Option<&(AppPassword, Secret<String>)>,
) -> OperationResult<Value> {
    let Some(user) = user else {
        return Ok(json!({ "authenticator": null, "app_passwords": [], "new_app_password": null, "new_secret": null }));
    };
    let snapshot = desk.app.snapshot();
    let since = authenticators::since(&desk.app, user.id).await?;
    let kept = app_passwords::of_user(&desk.app, user.id).await?;
    let is_machine = user.profile.user_type == UserType::ServiceAccount;
    Ok(json!({
        "authenticator": since.map(|since| json!({ "since": pages::time(since) })),
        "app_passwords": kept.iter().map(|password| rows::row(&snapshot, password)).collect::<Vec<_>>(),
        "new_app_password": is_machine.then(|| rows::form(typed, &choosable(desk))),
        "new_secret": rows::shown(new),
    }))
}

fn choosable(desk: &Desk) -> Vec<Choosable> {
    rows::choosable(&desk.app.snapshot(), |_| true)
}
