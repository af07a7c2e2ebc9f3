//! TLS in front of a plain server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A TLS server on 127.0.0.1, until this is dropped.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// Why the TLS server could not start.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate or key file cannot be read.
    #[error("the certificate or its key cannot be read")]
    File(#[source] pem::Error),
    #[error("the certificate or its key is of no use")]
    Certificate(#[source] rustls::Error),
    #[error("no port can be had")]
    Listen(#[source] io::Error),
}

impl TlsFront {
    /// Forwards connections to `target`. The certificate and its key are PEM files.
    pub async fn start(certificate: &Path, key: &Path, target: String) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .map_err(TlsError::File)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(TlsError::File)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(TlsError::Certificate)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(TlsError::Listen)?;
        let address = listener.local_addr().map_err(TlsError::Listen)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    // Connection errors show in the client.
                    let _ = pass(stream, &acceptor, &target).await;
                });
            }
        });
        Ok(Self { address, task })
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(stream: TcpStream, acceptor: &TlsAcceptor, target: &str) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut outside = acceptor.accept(stream).await?;
    let mut inside = TcpStream::connect(target).await?;
    inside.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}
