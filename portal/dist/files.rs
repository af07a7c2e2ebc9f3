&[
    ("/assets/chunk-QWKIMOGF.js", "text/javascript; charset=utf-8", include_bytes!("assets/chunk-QWKIMOGF.js")),
    ("/assets/icon-FCTYDWQR.svg", "image/svg+xml", include_bytes!("assets/icon-FCTYDWQR.svg")),
    ("/assets/later-AD6E4GZF.js", "text/javascript; charset=utf-8", include_bytes!("assets/later-AD6E4GZF.js")),
    ("/assets/main-ZFYXZGTH.js", "text/javascript; charset=utf-8", include_bytes!("assets/main-ZFYXZGTH.js")),
    ("/assets/oidc-YIOFW5II.js", "text/javascript; charset=utf-8", include_bytes!("assets/oidc-YIOFW5II.js")),
    ("/assets/style-LQUAFYY4.css", "text/css; charset=utf-8", include_bytes!("assets/style-LQUAFYY4.css")),
]
