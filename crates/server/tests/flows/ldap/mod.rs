//! LDAP: what clients ask and who may see what.

mod bind;
mod follow;
mod operations;
mod search;
mod tree;
mod wire;
