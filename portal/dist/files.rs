&[
    ("/assets/chunk-3NBOTJB7.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-3NBOTJB7.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-HNTVJM7J.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-HNTVJM7J.js")),
    ("/assets/main-Y5BPM7MR.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-Y5BPM7MR.js")),
    ("/assets/oidc-YIOFW5II.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-YIOFW5II.js")),
    ("/assets/style-U3LBQFE4.css", "text/css; charset=utf-8", include_bytes!("assets/style-U3LBQFE4.css")),
]
