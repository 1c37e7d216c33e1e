//! What `sub` is made of.

use doorward_core::{cipher::sha256_hex, provider::SubjectMode, user::User};

/// The subject of a user for a client. Never empty: where the chosen attribute is missing, the hashed identifier
/// stands in, as in authentik.
pub fn subject(mode: SubjectMode, user: &User) -> String {
    let chosen = match mode {
        SubjectMode::HashedUserId => user.uid.clone(),
        SubjectMode::UserId => user.pk.to_string(),
        SubjectMode::UserUuid => user.id.to_string(),
        SubjectMode::UserUsername => user.profile.username.clone(),
        SubjectMode::UserEmail => user.profile.email.clone(),
        SubjectMode::UserUpn => {
            user.profile.attributes.get("upn").and_then(|upn| upn.as_str()).unwrap_or_default().to_owned()
        }
    };
    if chosen.is_empty() { user.uid.clone() } else { chosen }
}

/// The stable opaque identifier of a user: SHA-256 of `{pk}-{install_id}`, as authentik makes it, so that subjects
/// survive a move.
pub fn uid(pk: i64, install_id: &str) -> String {
    sha256_hex(format!("{pk}-{install_id}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::{clock::Clock, id::UserId, user::UserProfile};

    #[test]
    fn each_mode_takes_its_own_attribute_and_falls_back_to_the_hash() {
        let clock = Clock::system();
        let mut profile = UserProfile::named("alice");
        profile.attributes.insert("upn".into(), "alice@corp".into());
        let user = User {
            id: UserId::new(&clock),
            pk: 7,
            uid: uid(7, "install"),
            profile,
            created_at: clock.now(),
            updated_at: clock.now(),
        };
        assert_eq!(subject(SubjectMode::HashedUserId, &user), sha256_hex(b"7-install"));
        assert_eq!(subject(SubjectMode::UserId, &user), "7");
        assert_eq!(subject(SubjectMode::UserUuid, &user), user.id.to_string());
        assert_eq!(subject(SubjectMode::UserUsername, &user), "alice");
        assert_eq!(subject(SubjectMode::UserUpn, &user), "alice@corp");
        assert_eq!(subject(SubjectMode::UserEmail, &user), user.uid);
    }
}
