//! The wire server on its socket. Its responses are tested in its own package, and AWS's own clients call it in
//! `tests/wire/run`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use prism_local::clock::ManualClock;
use prism_local::ec2::{Cloud, Settings};
use prism_local::wire::{Accounts, WireError, WireServer};

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIA/20261123/us-east-1/ec2/aws4_request, \
                             SignedHeaders=host, Signature=0";

const REGIONS: &str = "Action=DescribeRegions&Version=2016-11-15";

fn cloud() -> Cloud {
    let clock = Arc::new(ManualClock::new(
        prism_functions::domain::Timestamp::default(),
    ));
    Cloud::in_memory(clock, 1, Settings::instant())
}

fn accounts() -> Accounts {
    Accounts::all("111111111111".parse().expect("it must be twelve digits"))
}

fn request(headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nhost: ec2\r\nconnection: close\r\ncontent-length: {length}\r\n\
         {headers}\r\n{body}"
    )
    .into_bytes()
}

fn signed(body: &str) -> Vec<u8> {
    request(&format!("authorization: {AUTHORIZATION}\r\n"), body)
}

/// Sends pieces and reads until the server closes the connection.
async fn exchange(address: SocketAddr, pieces: Vec<Vec<u8>>) -> String {
    let exchanged = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("20 s is a timeout");
        for piece in pieces {
            // A server that has refused already may have stopped reading.
            let _ = stream.write_all(&piece);
            let _ = stream.flush();
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).expect("answers are UTF-8")
    });
    exchanged.await.expect("nothing panicked")
}

#[tokio::test]
async fn a_request_may_arrive_in_pieces() {
    let server = WireServer::start(cloud(), accounts(), 0).await.unwrap();
    assert!(server.address().ip().is_loopback());
    assert_eq!(server.url(), format!("http://{}", server.address()));
    let pieces = signed(REGIONS).chunks(50).map(<[u8]>::to_vec).collect();
    let answer = exchange(server.address(), pieces).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("content-type: text/xml;charset=UTF-8"));
    assert!(answer.contains("<regionName>us-west-2</regionName>"));
    server.stop().await;
}

#[tokio::test]
async fn it_refuses_what_is_too_large_unsigned_or_no_http() {
    let server = WireServer::start(cloud(), accounts(), 0).await.unwrap();
    let exactly = |bytes: usize| {
        let start = format!("{REGIONS}&X=");
        let filling = "x".repeat(bytes - start.len());
        vec![signed(&format!("{start}{filling}"))]
    };
    let most = exchange(server.address(), exactly(1 << 20)).await;
    assert!(most.contains("<Code>UnknownParameter</Code>"), "{most}");
    let large = exchange(server.address(), exactly((1 << 20) + 1)).await;
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    assert!(large.contains("<Code>RequestEntityTooLarge</Code>"));
    let unsigned = exchange(server.address(), vec![request("", REGIONS)]).await;
    assert!(unsigned.starts_with("HTTP/1.1 403"), "{unsigned}");
    let nonsense = exchange(server.address(), vec![b"\x16\x03\x01\x00\r\n\r\n".to_vec()]).await;
    assert!(nonsense.starts_with("HTTP/1.1 400"), "{nonsense}");
    server.stop().await;
}

#[tokio::test]
async fn once_stopped_it_is_gone_and_its_port_is_free() {
    let server = WireServer::start(cloud(), accounts(), 0).await.unwrap();
    let address = server.address();
    let taken = WireServer::start(cloud(), accounts(), address.port()).await;
    let Err(WireError::Listen { port, .. }) = taken else {
        panic!("the port is taken");
    };
    assert_eq!(port, address.port());
    // An idle connection does not block the server.
    let idle = TcpStream::connect(address).unwrap();
    server.stop().await;
    assert!(TcpStream::connect(address).is_err());
    drop(idle);
}

#[tokio::test]
async fn servers_of_one_cloud_return_the_same() {
    let cloud = cloud();
    let one = WireServer::start(cloud.clone(), accounts(), 0)
        .await
        .unwrap();
    let two = WireServer::start(cloud.clone(), accounts(), 0)
        .await
        .unwrap();
    let account = "111111111111".parse().unwrap();
    let spec = prism_local::ec2::InstanceSpec::named("lab");
    let region = "us-east-1".parse().unwrap();
    let id = cloud.admin(account).add_instance(&region, &spec).unwrap();
    let form = "Action=DescribeInstances&Version=2016-11-15";
    for server in [one, two] {
        let answer = exchange(server.address(), vec![signed(form)]).await;
        assert!(answer.contains(&format!("<instanceId>{id}</instanceId>")));
    }
}
