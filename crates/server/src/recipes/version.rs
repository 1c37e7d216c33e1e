//! Versions of applications: three numbers.

use super::RecipeError;

/// Major, minor and patch number.
pub type AppVersion = (u32, u32, u32);

/// Reads `4.7`, `4.7.3`, `v4.7.3` or `4.7.3-Docker-3.4.1`. A missing patch number is 0, the version of that series with the least.
///
/// # Errors
/// [`RecipeError::BadVersion`].
pub fn parse_version(text: &str) -> Result<AppVersion, RecipeError> {
    let bad = || RecipeError::BadVersion { given: text.escape_debug().to_string() };
    let trimmed = text.trim();
    let bare = trimmed.strip_prefix('v').unwrap_or(trimmed);
    let numbers = bare.split(['-', '+', ' ']).next().unwrap_or_default();
    let mut parts = Vec::new();
    for part in numbers.split('.') {
        if part.is_empty() || part.len() > 6 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        parts.push(part.parse::<u32>().map_err(|_| bad())?);
    }
    match parts.as_slice() {
        [major, minor] => Ok((*major, *minor, 0)),
        [major, minor, patch] => Ok((*major, *minor, *patch)),
        _ => Err(bad()),
    }
}

/// The version as text.
pub fn show((major, minor, patch): AppVersion) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_and_status_pages_write() {
        for (text, version) in [
            ("4.7", (4, 7, 0)),
            ("4.7.3", (4, 7, 3)),
            ("v3.2.5", (3, 2, 5)),
            ("4.7.3-Docker-3.4.1", (4, 7, 3)),
            ("4.7.3 (4.7)", (4, 7, 3)),
            (" 12.0.1\n", (12, 0, 1)),
        ] {
            assert_eq!(parse_version(text), Ok(version), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else_and_says_what_to_write() {
        for text in ["", "4", "latest", "4.x", "4..1", "4.7.3.1", "-4.7", "4.+7", "4.9999999999"] {
            let error = parse_version(text).unwrap_err().to_string();
            assert!(error.contains("write it like 4.7 or 4.7.3"), "{text}: {error}");
        }
    }

    #[test]
    fn sorts_by_number() {
        assert!(parse_version("4.10").unwrap() > parse_version("4.9.9").unwrap());
    }
}
