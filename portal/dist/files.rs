&[
    ("/assets/chunk-2BE36NRB.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-2BE36NRB.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-T5UDSUMM.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-T5UDSUMM.js")),
    ("/assets/main-ZKLTQLJ7.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-ZKLTQLJ7.js")),
    ("/assets/oidc-7HTVPFIN.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-7HTVPFIN.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
