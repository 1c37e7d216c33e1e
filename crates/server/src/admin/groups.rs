//! `/if/admin/groups/`: all groups.

use axum::response::Response;
use doorward_core::{group::Group, user::key};
use serde_json::{Value, json};

use super::{
    desk::{Desk, Page},
    fields,
    paging::{self, Paging},
};
use crate::{directory::groups, error::OperationResult};

const PAGE: Page = Page { template: "admin_groups.html", nav: "groups" };

/// `GET /if/admin/groups/?search=…&page=…`.
pub(super) async fn list(desk: Desk) -> Response {
    let answer = page(&desk).await;
    desk.settle(answer)
}

async fn page(desk: &Desk) -> OperationResult<Response> {
    let (snapshot, search) = (desk.app.snapshot(), paging::search(desk));
    let mut found: Vec<&Group> =
        snapshot.groups.iter().filter(|group| paging::matches(&search, &[&group.profile.name])).collect();
    found.sort_by_key(|group| key(&group.profile.name));
    let paging = Paging::new(paging::requested(desk), found.len());
    let shown = paging.part(found);
    let counts = groups::count_members(&desk.app, shown.iter().map(|group| group.id).collect()).await?;
    let row = |(group, members): (&Group, i64)| {
        json!({
            "id": group.id,
            "name": group.profile.name,
            "members": members,
            "is_superuser": group.profile.is_superuser,
            "parents": fields::group_names(&snapshot, &group.profile.parents),
        })
    };
    let rows: Vec<Value> = shown.into_iter().zip(counts).map(row).collect();
    Ok(desk.page(PAGE, json!({ "groups": rows, "page": paging.context(&search), "search": search })))
}
