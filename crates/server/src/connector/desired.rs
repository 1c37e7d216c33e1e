//! What an account of the application shall be, from what Doorward knows of the person. Pure.

use doorward_core::{
    application::Application,
    cipher::sha256_hex,
    connector::ConnectorProfile,
    group::{GROUP_NAME_MAX, GroupGraph},
    id::GroupId,
    user::{User, portable_username},
};
use serde::Serialize;
use std::collections::BTreeSet;

/// Longest given or family name that NetBox keeps, in characters.
pub const NAME_MAX: usize = 150;

/// What an account shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The name by which an account is looked for.
    pub username: String,
    /// The e-mail address, as evidence of whose an account is.
    pub email: String,
    /// Whether the account may be used, and what it then holds.
    pub access: Access,
}

/// Whether an account may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It may, and holds this.
    Open(Contents),
    /// It may not, for a reason to be read after the person's name.
    Closed(&'static str),
}

/// What an account that may be used holds. What is `None` is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// Username.
    pub username: Option<String>,
    /// Given name, family name and e-mail address.
    pub profile: Option<ProfileFields>,
    /// The managed groups it is in; of all other managed groups it is no member.
    pub groups: BTreeSet<String>,
}

/// Fields of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProfileFields {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
}

impl Desired {
    /// Of somebody who is in Doorward.
    pub fn new(
        user: &User,
        direct: &BTreeSet<GroupId>,
        groups: &GroupGraph,
        application: &Application,
        connector: &ConnectorProfile,
    ) -> Self {
        let effective = groups.effective(direct.iter().copied());
        let profile = &user.profile;
        let access = if !profile.is_active {
            Access::Closed("is disabled")
        } else if connector.cut_off_denied && !application.profile.access.allows(user.id, &effective) {
            Access::Closed("may not use the application any more")
        } else {
            let names = effective.iter().filter_map(|id| groups.get(*id)).map(|group| group.profile.name.clone());
            Access::Open(Contents {
                username: connector.push_username.then(|| portable_username(&profile.username)),
                profile: connector.push_profile.then(|| ProfileFields {
                    first_name: profile.given_name.chars().take(NAME_MAX).collect(),
                    last_name: profile.family_name.chars().take(NAME_MAX).collect(),
                    email: profile.email.clone(),
                }),
                groups: names.filter(|name| connector.groups.includes(name)).collect(),
            })
        };
        Self { username: portable_username(&profile.username), email: profile.email.clone(), access }
    }

    /// Of somebody who was deleted, known by the username they had.
    pub fn deleted(username: &str) -> Self {
        Self { username: portable_username(username), email: String::new(), access: Access::Closed("was deleted") }
    }

    /// Whether the account may be used.
    pub fn is_open(&self) -> bool {
        matches!(self.access, Access::Open(_))
    }

    /// The same for what is the same to the application, so that what was pushed is known again.
    pub fn fingerprint(&self) -> String {
        match &self.access {
            Access::Open(contents) => sha256_hex(&serde_json::to_vec(contents).unwrap_or_default()),
            Access::Closed(_) => sha256_hex(b"closed"),
        }
    }
}

/// Names of all managed groups that Doorward has, sorted.
pub fn managed_groups(groups: &GroupGraph, connector: &ConnectorProfile) -> BTreeSet<String> {
    let names = groups.iter().map(|group| group.profile.name.clone());
    names.filter(|name| connector.groups.includes(name) && name.chars().count() <= GROUP_NAME_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::{
        access_rule::AccessRule,
        application::ApplicationProfile,
        clock::Clock,
        connector::ManagedGroups,
        group::{Group, GroupProfile},
        id::{ApplicationId, UserId},
        user::UserProfile,
    };

    struct Scene {
        user: User,
        direct: BTreeSet<GroupId>,
        graph: GroupGraph,
        application: Application,
        connector: ConnectorProfile,
    }

    /// Alice is in netbox-ops, which lies below netbox-all and staff.
    fn scene() -> Scene {
        let clock = Clock::system();
        let ids: Vec<GroupId> = (0..3).map(|_| GroupId::new(&clock)).collect();
        let names = ["netbox-ops", "netbox-all", "staff"];
        let groups = names.iter().zip(&ids).zip(1..).map(|((name, id), pk)| {
            let mut profile = GroupProfile::named(*name);
            if pk == 1 {
                profile.parents = [ids[1], ids[2]].into();
            }
            Group { id: *id, pk, profile, created_at: clock.now() }
        });
        let mut profile = UserProfile::named("al ice");
        profile.name = "Alice Example".into();
        profile.email = "alice@example.org".into();
        let user = User {
            id: UserId::new(&clock),
            pk: 1,
            uid: "u".into(),
            profile: profile.tidied(),
            created_at: clock.now(),
            updated_at: clock.now(),
        };
        let mut application = ApplicationProfile::new("netbox", "NetBox");
        application.access = AccessRule::Only { groups: [ids[2]].into(), users: BTreeSet::new() };
        let mut connector = ConnectorProfile::new("https://n.example.org/");
        connector.groups = ManagedGroups::Prefix("netbox-".into());
        Scene {
            user,
            direct: [ids[0]].into(),
            graph: GroupGraph::new(groups.collect::<Vec<_>>()),
            application: Application { id: ApplicationId::new(&clock), profile: application, created_at: clock.now() },
            connector,
        }
    }

    impl Scene {
        fn desired(&self) -> Desired {
            Desired::new(&self.user, &self.direct, &self.graph, &self.application, &self.connector)
        }

        fn contents(&self) -> Contents {
            match self.desired().access {
                Access::Open(contents) => contents,
                Access::Closed(why) => panic!("{why}"),
            }
        }
    }

    #[test]
    fn effective_managed_groups_and_the_profile_are_wanted() {
        let scene = scene();
        let contents = scene.contents();
        assert_eq!(contents.groups, ["netbox-all".to_owned(), "netbox-ops".to_owned()].into());
        assert_eq!(
            contents.profile.as_ref().map(|p| (p.first_name.as_str(), p.last_name.as_str())),
            Some(("Alice", "Example"))
        );
        assert_eq!((contents.username, scene.desired().username), (None, "alice".to_owned()));
        assert_eq!(managed_groups(&scene.graph, &scene.connector).len(), 2);
    }

    #[test]
    fn switches_leave_things_alone() {
        let mut scene = scene();
        scene.connector.push_profile = false;
        scene.connector.push_username = true;
        assert_eq!(scene.contents().profile, None);
        assert_eq!(scene.contents().username, Some("alice".to_owned()));
        scene.user.profile.given_name = "x".repeat(200);
        scene.connector.push_profile = true;
        assert_eq!(scene.contents().profile.unwrap().first_name.len(), NAME_MAX);
    }

    #[test]
    fn the_disabled_the_denied_and_the_deleted_are_cut_off() {
        let mut scene = scene();
        scene.direct.clear();
        assert_eq!(scene.desired().access, Access::Closed("may not use the application any more"));
        scene.connector.cut_off_denied = false;
        assert!(scene.desired().is_open());
        scene.user.profile.is_active = false;
        assert_eq!(scene.desired().access, Access::Closed("is disabled"));
        assert_eq!(Desired::deleted("al ice").username, "alice");
        assert!(!Desired::deleted("alice").is_open());
    }

    #[test]
    fn fingerprints_move_with_what_is_pushed_and_with_nothing_else() {
        let mut scene = scene();
        let first = scene.desired().fingerprint();
        scene.user.profile.attributes.insert("x".into(), 1.into());
        assert_eq!(scene.desired().fingerprint(), first);
        scene.user.profile.email = "new@example.org".into();
        let second = scene.desired().fingerprint();
        assert_ne!(second, first);
        scene.connector.push_profile = false;
        assert_ne!(scene.desired().fingerprint(), second);
        let third = scene.desired().fingerprint();
        scene.direct.clear();
        let denied = scene.desired().fingerprint();
        assert_ne!(denied, third);
        assert_eq!(denied, Desired::deleted("alice").fingerprint(), "why somebody is out is all the same there");
    }
}
