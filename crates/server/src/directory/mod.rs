//! Users and groups: operations. Forms, commands and the API end here.

pub mod app_passwords;
pub mod authenticators;
pub mod groups;
pub mod person;
pub mod sessions;
pub mod users;
