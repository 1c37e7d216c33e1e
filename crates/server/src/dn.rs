//! Stands in for `doorward_protocols::ldap::dn` (RFC 4514) until that is here; then this file goes.

/// A base DN in the form in which DNs are compared; `None` if it is not one.
pub(crate) fn base_dn_key(text: &str) -> Option<String> {
    let mut steps = Vec::new();
    for step in text.split(',') {
        let (attribute, value) = step.split_once('=')?;
        let (attribute, value) = (attribute.trim(), value.trim());
        let is_name = attribute.starts_with(|c: char| c.is_ascii_alphabetic())
            && attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_name || value.is_empty() || value.contains(['"', '+', ';', '<', '>', '\\', '#', '\0']) {
            return None;
        }
        steps.push(format!("{attribute}={value}").to_lowercase());
    }
    Some(steps.join(","))
}

/// A value as it stands in a DN (RFC 4514, section 2.4).
pub(crate) fn escape(value: &str) -> String {
    let mut out = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '\0' => out.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', character]),
            '#' | ' ' if index == 0 => out.extend(['\\', character]),
            ' ' if index == last => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}
