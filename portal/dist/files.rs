&[
    ("/assets/chunk-EHSQRNFD.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-EHSQRNFD.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-JD4EGJEL.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-JD4EGJEL.js")),
    ("/assets/main-O7BGRIXZ.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-O7BGRIXZ.js")),
    ("/assets/oidc-J62QFPKA.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-J62QFPKA.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
