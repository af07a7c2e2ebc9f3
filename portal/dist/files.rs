&[
    ("/assets/chunk-GS2SP2RR.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-GS2SP2RR.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-5CZDZC7B.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-5CZDZC7B.js")),
    ("/assets/main-HA2TF66D.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-HA2TF66D.js")),
    ("/assets/oidc-YIOFW5II.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-YIOFW5II.js")),
    ("/assets/style-LQUAFYY4.css", "text/css; charset=utf-8", include_bytes!("assets/style-LQUAFYY4.css")),
]
