//! The portal's files, for whoever asks: they contain nothing confidential, and what they show comes from the API under
//! `/v1`, which requires an identity as before.
//!
//! The files are built by Node.js and committed, so that Prism builds and is tested with Rust alone (ADR 25). The names
//! of all but the page contain a digest of their content, so that browsers may keep them forever.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// Path, content type and content of each file but the page.
type Listed = (&'static str, &'static str, &'static [u8]);

#[rustfmt::skip]
const ASSETS: &[Listed] = include!("../../../portal/dist/files.rs"); // Missing? Run in portal/: npm ci && npm run build
const PAGE: &[u8] = include_bytes!("../../../portal/dist/index.html");

/// Hashed names never change their content; the page is compared at each visit.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const COMPARED: HeaderValue = HeaderValue::from_static("no-cache");

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const UNUSED: HeaderValue = HeaderValue::from_static(
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
);

/// How the portal is served.
#[derive(Debug, Clone)]
pub struct Portal(Arc<Served>);

#[derive(Debug)]
struct Served {
    policy: HeaderValue,
    https: bool,
}

impl Portal {
    /// The portal on this machine.
    pub fn local() -> Self {
        Self::new(&[], false)
    }

    /// The portal of a deployment, which speaks HTTPS alone and whose pages also call these origins to sign in.
    pub fn deployed(sign_in: &[String]) -> Self {
        Self::new(sign_in, true)
    }

    fn new(sign_in: &[String], https: bool) -> Self {
        // What could end the directive, or is not an origin, is left out: then the sign-in fails, but nothing is opened.
        let plain = |origin: &&String| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-[]".contains(&byte);
            // An issuer on this machine, as in tests, needs no TLS.
            let safe = ["https://", "http://127.0.0.1:"].map(|start| origin.starts_with(start));
            safe.contains(&true) && origin.bytes().all(known)
        };
        let origins = sign_in.iter().filter(plain);
        let connect = origins.fold("'self'".to_owned(), |all, one| format!("{all} {one}"));
        let policy = format!(
            "default-src 'self'; connect-src {connect}; object-src 'none'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        );
        let policy = HeaderValue::from_str(&policy).expect("the policy is ASCII");
        Self(Arc::new(Served { policy, https }))
    }

    /// Puts the files in front of a router.
    pub fn around(self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self, pass))
    }

    /// Adds the headers that limit what a page may do and who may read it. Answers of the API have them too.
    pub fn secure(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_SECURITY_POLICY, self.0.policy.clone());
        let fixed = [
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (OPENER, HeaderValue::from_static("same-origin")),
            (RESOURCE, HeaderValue::from_static("same-origin")),
            (PERMISSIONS, UNUSED),
        ];
        headers.extend(fixed);
        if self.0.https {
            let year = HeaderValue::from_static("max-age=31536000");
            headers.insert(STRICT_TRANSPORT_SECURITY, year);
        }
    }
}

/// Serves the files, and passes on everything else.
async fn pass(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let mut response = match file(&request) {
        Some(file) => file.answer(request.method(), request.headers()),
        None => next.run(request).await,
    };
    portal.secure(response.headers_mut());
    response
}

/// The file that a request is about. The page is behind every path that a browser navigates to, because the portal's
/// own router shows what the path names.
fn file(request: &Request) -> Option<&'static File> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let path = request.uri().path();
    if path == "/v1" || path.starts_with("/v1/") {
        return None;
    }
    if let Some(asset) = FILES.iter().find(|file| file.path == path) {
        return Some(asset);
    }
    let navigates = has(request.headers(), &ACCEPT, "text/html");
    let page = path == "/" || (navigates && !path.starts_with("/assets/"));
    page.then(|| &FILES[0])
}

/// Whether a header that is a list contains a word.
fn has(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut words = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    words.any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        name.trim().eq_ignore_ascii_case(word) && weight.trim() != "q=0"
    })
}

/// A file as it is sent. API Gateway does not compress, so that this does.
struct File {
    path: &'static str,
    kind: &'static str,
    cache: HeaderValue,
    tag: HeaderValue,
    bytes: &'static [u8],
    gzipped: Bytes,
}

/// The page, and then the other files; compressed when the first one is asked for.
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let page = File::new(&("/", "text/html; charset=utf-8", PAGE), COMPARED);
    let assets = ASSETS.iter().map(|asset| File::new(asset, FOREVER));
    std::iter::once(page).chain(assets).collect()
});

impl File {
    fn new(&(path, kind, bytes): &Listed, cache: HeaderValue) -> Self {
        let digest = hex::encode(&Sha256::digest(bytes)[..16]);
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        let packed = packed.write_all(bytes).and_then(|()| packed.finish());
        Self {
            path,
            kind,
            cache,
            // Weak, because the same content may be sent compressed.
            tag: HeaderValue::from_str(&format!("W/\"{digest}\"")).expect("hexadecimal digits"),
            bytes,
            gzipped: packed.expect("memory accepts what is written").into(),
        }
    }

    /// Whether the browser has this content already.
    fn is_known(&self, asked: &HeaderMap) -> bool {
        let tags = asked.get_all(IF_NONE_MATCH).iter();
        let mut tags = tags.flat_map(|tags| tags.as_bytes().split(|&byte| byte == b','));
        tags.any(|tag| tag.trim_ascii() == self.tag.as_bytes())
    }

    fn answer(&self, method: &Method, asked: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, self.cache.clone());
        headers.insert(ETAG, self.tag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if self.is_known(asked) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let body = if has(asked, &ACCEPT_ENCODING, "gzip") {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            self.gzipped.clone()
        } else {
            Bytes::from_static(self.bytes)
        };
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if method != Method::HEAD {
            *response.body_mut() = Body::from(body);
        }
        response
    }
}

#[cfg(test)]
mod tests;
