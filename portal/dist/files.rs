&[
    ("/assets/chunk-X2UDFLFM.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-X2UDFLFM.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-ODJRSL7O.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-ODJRSL7O.js")),
    ("/assets/main-YRZHCMP5.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-YRZHCMP5.js")),
    ("/assets/oidc-YIOFW5II.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-YIOFW5II.js")),
    ("/assets/style-LQUAFYY4.css", "text/css; charset=utf-8", include_bytes!("assets/style-LQUAFYY4.css")),
]
