use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use axum::body::to_bytes;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../portal");

fn router(portal: Portal) -> Router {
    portal.around(Router::new().fallback(async || (StatusCode::NOT_FOUND, "the API")))
}

async fn ask(portal: Portal, method: &str, path: &str, headers: &[(HeaderName, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    router(portal).oneshot(request).await.unwrap()
}

async fn get(path: &str, headers: &[(HeaderName, &str)]) -> Response {
    ask(Portal::local(), "GET", path, headers).await
}

async fn bytes(response: Response) -> Bytes {
    to_bytes(response.into_body(), usize::MAX).await.unwrap()
}

#[tokio::test]
async fn a_browser_gets_the_page_wherever_it_goes_but_not_in_place_of_the_api() {
    let html = [(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")];
    for path in [
        "/",
        "/saves",
        "/templates/v1",
        "/v10/x",
        "/saves/save-1?x=1",
    ] {
        let response = get(path, &html).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache", "{path}");
        assert_eq!(bytes(response).await, PAGE, "{path}");
    }
    for path in ["/v1", "/v1/", "/v1/me", "/v1/saves", "/assets/old-1.js"] {
        let response = get(path, &html).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(bytes(response).await, "the API", "{path}");
    }
    // What is not navigated to, and what changes something, is not the page.
    assert_eq!(
        get("/favicon.ico", &[(ACCEPT, "image/*")]).await.status(),
        404
    );
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let response = ask(Portal::local(), method, "/", &html).await;
        assert_eq!(response.status(), 404, "{method}");
    }
}

#[tokio::test]
async fn every_answer_limits_what_a_page_may_do() {
    let deployed = Portal::deployed(&["https://id.example.org".to_owned()]);
    for path in ["/", "/v1/me", "/none", ASSETS[0].0] {
        let local = get(path, &[]).await;
        let away = ask(deployed.clone(), "GET", path, &[]).await;
        for (response, https) in [(local, false), (away, true)] {
            let headers = response.headers();
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'self'; "), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            let calls = if https {
                "connect-src 'self' https://id.example.org;"
            } else {
                "connect-src 'self';"
            };
            assert!(policy.contains(calls), "{policy}");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
            assert_eq!(headers[OPENER], "same-origin");
            assert!(headers.contains_key(PERMISSIONS));
            assert_eq!(headers.contains_key(STRICT_TRANSPORT_SECURITY), https);
        }
    }
}

#[test]
fn only_origins_become_part_of_the_policy() {
    for bad in [
        "http://id.example.org",
        "https://x; script-src *",
        "https://x 'unsafe-inline'",
        "*",
        "https:\n",
    ] {
        let portal = Portal::deployed(&[bad.to_owned()]);
        let policy = portal.0.policy.to_str().unwrap();
        assert!(policy.contains("connect-src 'self';"), "{policy}");
    }
}

#[tokio::test]
async fn files_are_kept_forever_and_the_page_is_compared() {
    for &(path, kind, content) in ASSETS {
        let response = get(path, &[]).await;
        assert_eq!(response.headers()[CONTENT_TYPE], kind, "{path}");
        assert_eq!(response.headers()[CACHE_CONTROL], FOREVER, "{path}");
        assert_eq!(bytes(response).await, content, "{path}");
    }
    let tag = get("/", &[]).await.headers()[ETAG].clone();
    let known = get("/", &[(IF_NONE_MATCH, tag.to_str().unwrap())]).await;
    assert_eq!(known.status(), 304);
    assert!(bytes(known).await.is_empty());
    assert_eq!(
        get("/", &[(IF_NONE_MATCH, "W/\"other\"")]).await.status(),
        200
    );
    let head = ask(Portal::local(), "HEAD", "/", &[]).await;
    assert_eq!(head.headers()[CONTENT_LENGTH], PAGE.len().to_string());
    assert!(bytes(head).await.is_empty());
}

#[tokio::test]
async fn whoever_can_unpack_gets_less() {
    for &(path, _, content) in ASSETS.iter().chain([&("/", "", PAGE)]) {
        let packed = get(path, &[(ACCEPT_ENCODING, "br, gzip")]).await;
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip", "{path}");
        assert_eq!(packed.headers()[VARY], "accept-encoding", "{path}");
        let mut unpacked = Vec::new();
        let packed = bytes(packed).await;
        flate2::read::GzDecoder::new(packed.as_ref())
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, content, "{path}");
        let plain = get(path, &[(ACCEPT_ENCODING, "gzip;q=0, br")]).await;
        assert!(!plain.headers().contains_key(CONTENT_ENCODING), "{path}");
    }
}

#[test]
fn all_of_it_is_small_and_names_nothing_inline() {
    let total: usize = FILES.iter().map(|file| file.gzipped.len()).sum();
    assert!(total <= 120_000, "{total} bytes, gzipped");
    let page = std::str::from_utf8(PAGE).unwrap();
    for refused in ["<style", "style=", "onload=", "data:", "javascript:"] {
        assert!(!page.contains(refused), "{refused}");
    }
    assert_eq!(
        page.matches("<script").count(),
        page.matches("<script type=\"module\" src=\"/assets/")
            .count()
    );
}

/// The digest of the sources, as `portal/build.mjs` computes it.
fn digest() -> String {
    let mut sources = BTreeMap::new();
    collect(Path::new(FOLDER), "src", &mut sources);
    for name in [
        "build.mjs",
        "package-lock.json",
        "package.json",
        "tsconfig.json",
    ] {
        let bytes = fs::read(Path::new(FOLDER).join(name)).unwrap();
        sources.insert(name.to_owned(), bytes);
    }
    let mut hash = Sha256::new();
    for (path, bytes) in sources {
        hash.update(format!("{path}\0{}\0", bytes.len()));
        hash.update(bytes);
    }
    hex::encode(hash.finalize())
}

fn collect(root: &Path, folder: &str, sources: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(root, &path, sources);
        } else {
            sources.insert(path, fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn what_is_built_is_what_the_sources_say() {
    let manifest = fs::read(Path::new(FOLDER).join("dist/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(
        manifest["sources"],
        digest(),
        "portal/dist is not built from the sources: run cargo xtask portal"
    );
}
