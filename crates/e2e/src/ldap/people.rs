//! A few people, and the directory that has them.

use anyhow::Result;

use super::{Directory, settings::Settings};
use crate::doorward::Doorward;

/// A Doorward whose people clients look up.
#[derive(Debug)]
pub struct Scene {
    /// The server.
    pub doorward: Doorward,
    /// How its directory is reached.
    pub directory: Directory,
    /// What it printed for the client.
    pub settings: Settings,
}

impl Scene {
    /// A Doorward with people and an application from a recipe; `more` is put after the other arguments.
    ///
    /// # Errors
    /// When a command fails.
    pub async fn start(recipe: &str, more: &[&str]) -> Result<Self> {
        let doorward = Doorward::start_with_ldap().await?;
        add(&doorward)?;
        let (directory, settings) = Directory::added_to(&doorward, recipe, recipe, more)?;
        doorward.settle().await;
        Ok(Self { doorward, directory, settings })
    }
}

/// Adds Alice, who is in netbox-admins and netbox-users, Bob, who is in netbox-users, and Carol, who is in neither. The
/// members of netbox-users are members of netbox-staff as well.
///
/// # Errors
/// When a command fails.
pub fn add(doorward: &Doorward) -> Result<()> {
    for (username, name) in [("alice", "Alice Example"), ("bob", "Bob van den Berg"), ("carol", "Carol")] {
        doorward.add_user(username, name)?;
    }
    doorward.add_group("netbox-staff", &[])?;
    doorward.add_group("netbox-admins", &["alice"])?;
    doorward.run(&[
        "group",
        "add",
        "netbox-users",
        "--parent",
        "netbox-staff",
        "--member",
        "alice",
        "--member",
        "bob",
    ])?;
    Ok(())
}
