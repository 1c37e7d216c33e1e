//! Who makes a change.

use doorward_core::id::UserId;

/// Somebody, or something, that changes things.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user, if it is one.
    pub user: Option<UserId>,
    /// Name for the activity log.
    pub name: String,
    /// Address of the browser, or empty.
    pub address: String,
    /// Whether the actor may give the power of an administrator.
    pub is_superuser: bool,
}

impl Actor {
    /// Somebody with access to the host: may do everything.
    pub fn command_line() -> Self {
        Self { user: None, name: "command line".to_owned(), address: String::new(), is_superuser: true }
    }

    /// Doorward itself, when the time for something has come.
    pub fn schedule() -> Self {
        Self { name: "the schedule".to_owned(), ..Self::command_line() }
    }
}
