//! How many files, and so connections, the process may have open.

use doorward_server::ldap::limits;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Kept for HTTP, the database and the files of the process itself.
const RESERVE: usize = 256;
/// Fewer LDAP connections than this serve nobody.
const LEAST: usize = 64;

/// Takes as many open files as the system lets the process take, and says how many LDAP connections that makes.
pub(super) fn ldap_connections() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused only if another process lowered the maximum meanwhile; then what is there has to do.
    let _ = setrlimit(Resource::Nofile, limit);
    connections(getrlimit(Resource::Nofile).current)
}

/// `None`: without a limit.
fn connections(files: Option<u64>) -> usize {
    let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    files.saturating_sub(RESERVE).clamp(LEAST, limits::CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_everything_else() {
        assert_eq!(connections(Some(1024)), 768);
        assert_eq!(connections(Some(100)), 64);
        assert_eq!((connections(Some(1 << 20)), connections(None)), (8192, 8192));
    }
}
