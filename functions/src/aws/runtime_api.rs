//! Calls to Lambda's Runtime API that bypass lambda_runtime. They report why a function cannot start (if the process
//! just ended, Lambda would report `Runtime.ExitError`) and the result of an invocation that panicked. They wait for
//! the response without the async executor, which may be what is broken.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// The path prefix of this version of the API.
const RUNTIME: &str = "/2018-06-01/runtime";
/// The timeout for any operation. The API is on the same machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reports to the API at `host`, such as `127.0.0.1:9001`, that the function cannot start.
pub(super) fn cannot_begin(host: &str, error_type: &str, message: &str) -> io::Result<()> {
    let path = format!("{RUNTIME}/init/error");
    post(host, &path, Some(error_type), &error(error_type, message))
}

/// Reports that an invocation failed.
pub(super) fn failed(host: &str, id: &str, error_type: &str, message: &str) -> io::Result<()> {
    let path = format!("{RUNTIME}/invocation/{id}/error");
    post(host, &path, Some(error_type), &error(error_type, message))
}

/// Reports the result of an invocation.
pub(super) fn returned(host: &str, id: &str, result: &Value) -> io::Result<()> {
    let path = format!("{RUNTIME}/invocation/{id}/response");
    post(host, &path, None, result)
}

fn error(error_type: &str, message: &str) -> Value {
    json!({"errorType": error_type, "errorMessage": message, "stackTrace": []})
}

fn post(host: &str, path: &str, error_type: Option<&str>, body: &Value) -> io::Result<()> {
    let mut connection = TcpStream::connect(host)?;
    connection.set_write_timeout(Some(PATIENCE))?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(request(host, path, error_type, body).as_bytes())?;
    // Once it begins to respond, it has read the whole request. The response itself does not matter.
    connection.read(&mut [0; 64]).map(drop)
}

fn request(host: &str, path: &str, error_type: Option<&str>, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    let error_type = error_type.map_or_else(String::new, |name| {
        format!("Lambda-Runtime-Function-Error-Type: {name}\r\n")
    });
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         {error_type}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// The request that was sent: its first line and headers, and its body.
    pub(in super::super) fn told(tell: impl FnOnce(&str) -> io::Result<()>) -> (String, Value) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut text = String::new();
            while !text.ends_with('}') {
                let mut part = [0; 1024];
                let read = connection.read(&mut part).unwrap();
                text.push_str(std::str::from_utf8(&part[..read]).unwrap());
            }
            let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
            connection.write_all(answer).unwrap();
            text
        });
        tell(&host).unwrap();
        let text = server.join().unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    #[test]
    fn the_error_arrives_whole() {
        let message = "there is no handler \"x\"";
        let (head, body) = told(|host| cannot_begin(host, "Prism.Init", message));
        assert!(head.starts_with("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"));
        assert!(head.contains("\r\nLambda-Runtime-Function-Error-Type: Prism.Init\r\n"));
        assert_eq!(body["errorType"], "Prism.Init");
        assert_eq!(body["errorMessage"], message);
    }

    #[test]
    fn nobody_there_is_no_reason_to_wait() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = gone.local_addr().unwrap().to_string();
        drop(gone);
        assert!(failed(&host, "r", "Internal", "m").is_err());
    }
}
