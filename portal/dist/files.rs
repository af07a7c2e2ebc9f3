&[
    ("/assets/chunk-Z5ULGBWZ.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-Z5ULGBWZ.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-TQI7UYX3.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-TQI7UYX3.js")),
    ("/assets/main-P2PVZRJL.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-P2PVZRJL.js")),
    ("/assets/oidc-J62QFPKA.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-J62QFPKA.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
