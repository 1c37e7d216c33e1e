//! `/if/admin/users/`: all people.

use axum::response::Response;
use doorward_core::user::{User, UserType};
use serde_json::{Value, json};

use super::{
    desk::{Desk, Page},
    paging::{self, PER_PAGE, Paging},
};
use crate::{
    directory::users::{self, UserPage},
    error::OperationResult,
};

const PAGE: Page = Page { template: "admin_users.html", nav: "users" };

/// `GET /if/admin/users/?search=…&page=…`.
pub(super) async fn list(desk: Desk) -> Response {
    let answer = page(&desk).await;
    desk.settle(answer)
}

async fn page(desk: &Desk) -> OperationResult<Response> {
    let (search, requested) = (paging::search(desk), paging::requested(desk));
    let mut found = read(desk, &search, (requested - 1) * PER_PAGE).await?;
    let total = usize::try_from(found.total).unwrap_or(0);
    let paging = Paging::new(requested, total);
    if found.users.is_empty() && total > 0 {
        found = read(desk, &search, paging.offset()).await?;
    }
    let rows: Vec<Value> = found.users.iter().map(row).collect();
    Ok(desk.page(PAGE, json!({ "users": rows, "page": paging.context(&search), "search": search })))
}

async fn read(desk: &Desk, search: &str, offset: usize) -> OperationResult<UserPage> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    users::list(&desk.app, search, number(PER_PAGE), number(offset)).await
}

fn row(user: &User) -> Value {
    let profile = &user.profile;
    json!({
        "id": user.id,
        "username": profile.username,
        "name": profile.name,
        "email": profile.email,
        "verified": profile.email_verified,
        "active": profile.is_active,
        "type": match profile.user_type {
            UserType::Internal => "Internal",
            UserType::External => "External",
            UserType::ServiceAccount => "Service account",
        },
    })
}
