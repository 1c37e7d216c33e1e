//! What the browser that signs out loads (OpenID Connect Front-Channel Logout 1.0, section 3).

use doorward_core::provider::LogoutMethod;
use doorward_protocols::oidc::front_channel::{Frame, frame};

use crate::{
    app::App,
    auth::session::{Ended, sid},
};

/// How long the page waits before it goes on, in seconds after everything in it was loaded. `HtmlUnit` follows no refresh
/// that is later.
pub const PAUSE: u32 = 2;

/// One frame per application of an ended session that is told by the browser.
pub fn frames(app: &App, ended: &Ended) -> Vec<Frame> {
    let snapshot = app.snapshot();
    let frame_of = |session_client: &doorward_store::session_client::SessionClient| {
        let client = snapshot.by_provider(session_client.provider)?;
        let profile = &client.provider.profile;
        let is_wanted = profile.logout_method == LogoutMethod::Frontchannel && !profile.logout_uri.is_empty();
        is_wanted.then(|| frame(&profile.logout_uri, &client.issuer, &sid(session_client.session)))?
    };
    ended.clients.iter().filter_map(frame_of).collect()
}
