//! Tells Lambda why a function cannot begin: an error with a name, where a process that merely ends
//! would be `Runtime.ExitError`.

use std::io;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The path of the Runtime API that takes it.
const PATH: &str = "/2018-06-01/runtime/init/error";
/// The most bytes of the answer that are read; they only have to be awaited.
const ANSWER_BYTES: u64 = 4096;

/// Reports to the Runtime API at `host`, such as `127.0.0.1:9001`.
pub(super) async fn report(host: &str, error_type: &str, message: &str) -> io::Result<()> {
    let mut connection = TcpStream::connect(host).await?;
    let request = request(host, error_type, message);
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection
        .take(ANSWER_BYTES)
        .read_to_end(&mut answer)
        .await?;
    Ok(())
}

fn request(host: &str, error_type: &str, message: &str) -> String {
    let body = json!({"errorType": error_type, "errorMessage": message, "stackTrace": []});
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Lambda-Runtime-Function-Error-Type: {error_type}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_error_arrives_whole() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let server = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            while !text.ends_with('}') {
                let mut part = [0; 1024];
                let read = connection.read(&mut part).await.unwrap();
                text.push_str(std::str::from_utf8(&part[..read]).unwrap());
            }
            let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
            connection.write_all(answer).await.unwrap();
            text
        };
        let message = "there is no handler \"x\"";
        let report = report(&host, "Prism.Init", message);
        let (text, sent) = futures::join!(server, report);
        sent.unwrap();
        assert!(text.starts_with(&format!("POST {PATH} HTTP/1.1\r\n")));
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["errorMessage"], message);
    }
}
