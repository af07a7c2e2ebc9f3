&[
    ("/assets/chunk-FL6VTTFZ.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-FL6VTTFZ.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-HSEDDEE4.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-HSEDDEE4.js")),
    ("/assets/main-OF5UBM4N.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-OF5UBM4N.js")),
    ("/assets/oidc-J62QFPKA.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-J62QFPKA.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
