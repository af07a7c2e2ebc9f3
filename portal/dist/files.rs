&[
    ("/assets/chunk-5X6B6UU2.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-5X6B6UU2.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-T24YHAGI.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-T24YHAGI.js")),
    ("/assets/main-OWC4LB7L.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-OWC4LB7L.js")),
    ("/assets/oidc-EH6NQUDQ.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-EH6NQUDQ.js")),
    ("/assets/style-TW332H6B.css", "text/css; charset=utf-8", include_bytes!("assets/style-TW332H6B.css")),
]
