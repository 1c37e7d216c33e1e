//! How large, how deep and how whole the value of an expression may be.

use minijinja::value::ValueKind;
use serde_json::Value;
use std::io;

use super::MappingError;

/// Largest claims of one mapping, as JSON, in bytes.
const CLAIMS_MAX: usize = 32 * 1024;

/// A value as JSON. Lists that an expression repeats are made item by item while they are written, so writing stops where
/// the limit is.
pub(super) fn bounded_json(value: &minijinja::Value) -> Result<Value, MappingError> {
    let mut text = Bounded(Vec::new());
    serde_json::to_writer(&mut text, value).map_err(|error| {
        let is_full = error.is_io();
        MappingError(if is_full { "the claims take more than 32 KiB".to_owned() } else { error.to_string() })
    })?;
    serde_json::from_slice(&text.0).map_err(|error| MappingError(error.to_string()))
}

/// Takes at most [`CLAIMS_MAX`] bytes.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > CLAIMS_MAX {
            return Err(io::Error::other("full"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first member, as a path, whose value is undefined: in strict mode an undefined value fails when it is used, but
/// not when it is only handed on.
pub(super) fn undefined_member(value: &minijinja::Value, levels: usize) -> Option<String> {
    if value.is_undefined() {
        return Some("the value".to_owned());
    }
    if levels == 0 || !matches!(value.kind(), ValueKind::Map | ValueKind::Seq | ValueKind::Iterable) {
        return None;
    }
    let is_map = value.kind() == ValueKind::Map;
    value.try_iter().ok()?.find_map(|key| {
        let member = if is_map { value.get_item(&key).ok()? } else { key.clone() };
        let inner = undefined_member(&member, levels - 1)?;
        Some(if is_map { format!("\"{key}\": {inner}") } else { inner })
    })
}

/// How deep lists and maps are nested in it; 0 for neither.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
