&[
    ("/assets/chunk-TNZRXEBH.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-TNZRXEBH.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-OZGZB64R.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-OZGZB64R.js")),
    ("/assets/main-FNAYIYQB.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-FNAYIYQB.js")),
    ("/assets/oidc-7HTVPFIN.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-7HTVPFIN.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
