//! The administration pages, driven through the router as a browser without scripts would drive them.

#[path = "admin/applications.rs"]
mod applications;
#[path = "admin/browser.rs"]
mod browser;
#[path = "admin/directory.rs"]
mod directory;
#[path = "admin/keys_and_mappings.rs"]
mod keys_and_mappings;
#[path = "admin/protection.rs"]
mod protection;
