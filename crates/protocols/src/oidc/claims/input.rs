//! What expressions can use.

use doorward_core::{group::Group, user::User};
use minijinja::context;
use serde_json::{Value, json};

/// What expressions can use: `user` (with `groups`) and `application`.
#[derive(Debug, Clone)]
pub struct ClaimInput(pub(super) minijinja::Value);

impl ClaimInput {
    /// Gathers it. `groups` are the effective ones, in order of their names.
    pub fn new<'a>(
        user: &User,
        groups: impl IntoIterator<Item = &'a Group>,
        is_superuser: bool,
        slug: &str,
        application_name: &str,
    ) -> Self {
        let mut groups: Vec<&Group> = groups.into_iter().collect();
        groups.sort_by(|left, right| left.profile.name.cmp(&right.profile.name));
        let groups: Vec<Value> = groups
            .into_iter()
            .map(|group| {
                json!({
                    "name": group.profile.name,
                    "is_superuser": group.profile.is_superuser,
                    "attributes": group.profile.attributes,
                })
            })
            .collect();
        let profile = &user.profile;
        let user = json!({
            "id": user.id.to_string(),
            "pk": user.pk,
            "uid": user.uid,
            "username": profile.username,
            "name": profile.name,
            "given_name": profile.given_name,
            "family_name": profile.family_name,
            "email": profile.email,
            "email_verified": profile.email_verified,
            "type": profile.user_type.as_str(),
            "attributes": profile.attributes,
            "updated_at": user.updated_at.as_second(),
            "is_superuser": is_superuser,
            "groups": groups,
        });
        let application = json!({ "slug": slug, "name": application_name });
        Self::of(user, application)
    }

    /// Somebody who does not exist, of whom everything is known that the standard claims tell.
    pub fn sample() -> Self {
        let user = json!({
            "id": "00000000-0000-0000-0000-000000000000",
            "pk": 0,
            "uid": "sample",
            "username": "sample",
            "name": "Sample Person",
            "given_name": "Sample",
            "family_name": "Person",
            "email": "sample@example.org",
            "email_verified": true,
            "type": "internal",
            "attributes": {
                "middle_name": "M.",
                "nickname": "Sam",
                "profile": "https://example.org/sample",
                "picture": "https://example.org/sample.png",
                "website": "https://example.org/",
                "gender": "unknown",
                "birthdate": "2000-01-01",
                "zoneinfo": "Etc/UTC",
                "locale": "en",
                "address": { "formatted": "1 Example Street" },
                "phone_number": "+1 202 555 0100",
                "phone_number_verified": true,
            },
            "updated_at": 0,
            "is_superuser": false,
            "groups": [],
        });
        Self::of(user, json!({ "slug": "sample", "name": "Sample" }))
    }

    fn of(user: Value, application: Value) -> Self {
        Self(
            context! { user => minijinja::Value::from(minijinja::value::Serde(user)), application => minijinja::Value::from(minijinja::value::Serde(application)) },
        )
    }
}
