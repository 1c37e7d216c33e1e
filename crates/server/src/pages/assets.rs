//! Style sheet, script and pictures, part of the binary.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use doorward_core::cipher::sha256_hex;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../assets"]
struct Assets;

/// A short name for the present state of all assets: they can be kept for good under it.
pub(super) fn version() -> String {
    let mut names: Vec<_> = Assets::iter().collect();
    names.sort();
    let all: Vec<u8> =
        names.iter().filter_map(|name| Assets::get(name)).flat_map(|file| file.data.into_owned()).collect();
    sha256_hex(&all).chars().take(12).collect()
}

/// `GET /assets/<file>`.
pub async fn serve(Path(name): Path<String>) -> Response {
    let content_type = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let Some(file) = Assets::get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let headers =
        [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, file.data.into_owned()).into_response()
}
