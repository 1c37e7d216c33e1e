//! What each module does and checks, once for all response types and modes. Where the suite only warns, this fails.

mod codes;
mod discovery;
mod logout;
mod parameters;
mod prompt;
mod redirect_uri;
mod request_object;
mod response;
mod scopes;
mod session_management;
mod userinfo;

pub(crate) use codes::*;
pub(crate) use discovery::*;
pub(crate) use logout::*;
pub(crate) use parameters::*;
pub(crate) use prompt::*;
pub(crate) use redirect_uri::*;
pub(crate) use request_object::*;
pub(crate) use response::*;
pub(crate) use scopes::*;
pub(crate) use session_management::*;
pub(crate) use userinfo::*;
