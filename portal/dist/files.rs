&[
    ("/assets/chunk-K4IVN427.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-K4IVN427.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-5NBBYJ5L.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-5NBBYJ5L.js")),
    ("/assets/main-FWJB45D6.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-FWJB45D6.js")),
    ("/assets/oidc-LPAICRMG.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-LPAICRMG.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
