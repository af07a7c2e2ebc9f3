&[
    ("/assets/chunk-2WBQJBJO.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-2WBQJBJO.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-LFKZBSXN.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-LFKZBSXN.js")),
    ("/assets/main-5OQX4MPW.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-5OQX4MPW.js")),
    ("/assets/oidc-LPAICRMG.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-LPAICRMG.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
