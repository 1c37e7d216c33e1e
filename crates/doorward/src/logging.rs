//! The log: on standard error, for people or as JSON.

use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt, prelude::*};

use crate::config::settings::LogFormat;

/// Starts logging with a filter such as `info` or `doorward_server=debug`. Only the first call has an effect.
pub fn start(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    // A second start would be a second command in one process: it does not happen, and would not matter.
    let _ = match format {
        LogFormat::Text => registry.with(layer.with_target(false)).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
}

/// Whether a text is a filter that can be used.
pub fn is_filter(text: &str) -> bool {
    // A single word that is no level would be taken for the name of a module, and switch everything off.
    let is_single_word = !text.contains(['=', ',']);
    let is_readable = !is_single_word || text.trim().parse::<LevelFilter>().is_ok();
    !text.trim().is_empty() && is_readable && EnvFilter::try_new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_level_is_no_filter() {
        for good in ["info", "WARN", "off", "info,doorward_server=debug", "doorward_server=trace"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in ["", " ", "loud", "inf", "doorward_server"] {
            assert!(!is_filter(bad), "{bad}");
        }
    }
}
