//! Values that travel with a browser from one form to the next: encrypted, bound to it, good for a while. Nothing is
//! kept here for those who never come back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::clock::from_millis;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::app::App;

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    value: T,
    sealed_at: i64,
    browser: String,
}

/// A value as a hidden field. `browser` is the mark of the browser that it is given to, `kind` is a name of its own for every kind of value: one cannot be passed for another.
pub fn seal<T: Serialize>(app: &App, browser: &str, kind: &str, value: T) -> String {
    let sealed_at = app.clock.now().as_millisecond();
    let plain = serde_json::to_vec(&Envelope { value, sealed_at, browser: browser.to_owned() });
    URL_SAFE_NO_PAD.encode(app.pending_cipher.seal(kind, &plain.unwrap_or_default()))
}

/// Reads what [`seal`] made, for the same kind and the same browser. `None` if it is something else, or older than its
/// lifetime.
pub fn open<T: DeserializeOwned>(
    app: &App,
    browser: &str,
    kind: &str,
    lifetime: SignedDuration,
    sealed: &str,
) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let plain = app.pending_cipher.open(kind, &bytes).ok()?;
    let envelope: Envelope<T> = serde_json::from_slice(&plain).ok()?;
    let age = app.clock.now().duration_since(from_millis(envelope.sealed_at));
    (envelope.browser == browser && age < lifetime).then_some(envelope.value)
}
