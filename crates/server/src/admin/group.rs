//! `/if/admin/groups/new/` and `/if/admin/groups/<id>/`: one group.

use axum::{extract::Path, response::Response};
use doorward_core::{
    group::Group,
    id::{GroupId, UserId},
    problem::Problems,
    user::User,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::{
    desk::{Desk, Done, Page, id},
    group_form::GroupDraft,
};
use crate::{
    directory::{groups, users},
    error::{OperationError, OperationResult},
    http::form::{Fields, Form},
};

const PAGE: Page = Page { template: "admin_group.html", nav: "groups" };
const LIST: &str = "/if/admin/groups/";

/// `GET /if/admin/groups/new/`.
pub(super) async fn new(desk: Desk) -> Response {
    page(&desk, None, &GroupDraft::default(), &Problems::default())
}

/// `POST /if/admin/groups/new/`.
pub(super) async fn create(desk: Desk, form: Form) -> Response {
    let draft = GroupDraft::from_fields(&form);
    let added = async {
        let (profile, members) = draft.read(&desk.app).await?;
        groups::create(&desk.app, &desk.actor, profile, members).await
    };
    let answer = match added.await {
        Ok(group) => Ok(Desk::done(&address(group.id), Done::Added)),
        Err(OperationError::Invalid(problems)) => Ok(page(&desk, None, &draft, &problems)),
        Err(error) => Err(error),
    };
    desk.settle(answer)
}

/// `GET /if/admin/groups/<id>/`.
pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Response {
    let answer = shown(&desk, &id).await;
    desk.settle(answer)
}

/// `POST /if/admin/groups/<id>/`.
pub(super) async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Response {
    let answer = saved(&desk, &id, &form).await;
    desk.settle(answer)
}

/// `POST /if/admin/groups/<id>/delete/`.
pub(super) async fn delete(desk: Desk, Path(text): Path<String>, _form: Form) -> Response {
    let answer = async {
        groups::delete(&desk.app, &desk.actor, id("group", &text)?).await?;
        Ok(Desk::done(LIST, Done::Deleted))
    };
    desk.settle(answer.await)
}

async fn shown(desk: &Desk, text: &str) -> OperationResult<Response> {
    let group = groups::find(&desk.app, id("group", text)?)?;
    let members = Members::read(desk, group.id).await?;
    let draft = GroupDraft::from_group(&group, members.listed(), &desk.app.snapshot());
    Ok(page(desk, Some((&group, members)), &draft, &Problems::default()))
}

async fn saved(desk: &Desk, text: &str, form: &Fields) -> OperationResult<Response> {
    let group = groups::find(&desk.app, id("group", text)?)?;
    let members = Members::read(desk, group.id).await?;
    let draft = GroupDraft::from_fields(form);
    match change(desk, group.id, &draft, members.are_all).await {
        Ok(()) => Ok(Desk::done(&address(group.id), Done::Saved)),
        Err(OperationError::Invalid(problems)) => Ok(page(desk, Some((&group, members)), &draft, &problems)),
        Err(error) => Err(error),
    }
}

async fn change(desk: &Desk, id: GroupId, draft: &GroupDraft, are_all: bool) -> OperationResult<()> {
    let (profile, members) = draft.read(&desk.app).await?;
    if are_all {
        return groups::update(&desk.app, &desk.actor, id, profile, Some(members)).await;
    }
    groups::update(&desk.app, &desk.actor, id, profile, None).await?;
    add_members(desk, id, members).await
}

/// The form of a very large group lists nobody; who is entered there is added.
async fn add_members(desk: &Desk, id: GroupId, members: BTreeSet<UserId>) -> OperationResult<()> {
    for member in members {
        let (user, _) = users::find(&desk.app, member).await?;
        groups::add_member(&desk.app, &desk.actor, id, &user).await?;
    }
    Ok(())
}

/// Direct members, as far as they are shown, and how many are members through other groups, too.
struct Members {
    users: Vec<User>,
    are_all: bool,
    effective: usize,
    direct: i64,
}

impl Members {
    async fn read(desk: &Desk, id: GroupId) -> OperationResult<Self> {
        let (users, direct) = groups::members(&desk.app, id).await?;
        let effective = groups::count_effective_members(&desk.app, id).await?;
        let are_all = i64::try_from(users.len()).is_ok_and(|shown| shown == direct);
        Ok(Self { users, are_all, effective, direct })
    }

    fn none() -> Self {
        Self { users: Vec::new(), are_all: true, effective: 0, direct: 0 }
    }

    /// Those who stand in the form: all or nobody, so that saving it removes nobody who was not shown.
    fn listed(&self) -> &[User] {
        if self.are_all { &self.users } else { &[] }
    }
}

fn page(desk: &Desk, group: Option<(&Group, Members)>, draft: &GroupDraft, problems: &Problems) -> Response {
    let (group, members) = group.map_or_else(|| (None, Members::none()), |(group, members)| (Some(group), members));
    let mut context = draft.context(&desk.app.snapshot(), group.map(|group| group.id));
    if let Value::Object(context) = &mut context {
        let own = json!({
            "is_new": group.is_none(),
            "group": group.map(|group| json!({ "id": group.id, "name": group.profile.name })),
            "viewer_can_superuser": desk.actor.is_superuser,
            "members": members.users.iter().map(member).collect::<Vec<_>>(),
            "members_listed": members.are_all,
            "direct_members": members.direct,
            "effective_members": members.effective,
            "can_delete": group.is_some(),
        });
        context.extend(own.as_object().cloned().unwrap_or_default());
    }
    desk.form(PAGE, context, problems)
}

fn member(user: &User) -> Value {
    let profile = &user.profile;
    let name = if profile.name.is_empty() { &profile.username } else { &profile.name };
    json!({ "username": profile.username, "name": name })
}

fn address(id: GroupId) -> String {
    format!("{LIST}{id}/")
}
