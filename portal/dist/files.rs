&[
    ("/assets/chunk-LGDJYBAI.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-LGDJYBAI.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-DQPFZSNT.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-DQPFZSNT.js")),
    ("/assets/main-GJ7EXS45.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-GJ7EXS45.js")),
    ("/assets/oidc-7HTVPFIN.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-7HTVPFIN.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
