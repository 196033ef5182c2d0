//! TLS 1.3 and 1.2 by rustls; certificate and key are read again when their files change.

mod mutual;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use anyhow::{Context as _, Result, bail};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::mutual::Mutual;

/// The certificate in use, and the files it comes from.
#[derive(Debug)]
pub(crate) struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<(Arc<CertifiedKey>, Stamp)>,
}

type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// When one cannot be read, or the key does not belong to the certificate.
    pub(crate) fn read(cert: &Path, key: &Path) -> Result<Self> {
        let stamp = stamp(cert, key);
        let current = RwLock::new((Arc::new(load(cert, key)?), stamp));
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), current })
    }

    /// Reads the files again when one has changed; answers whether a new certificate is in use.
    ///
    /// # Errors
    /// When the new files are no good; the old certificate then stays in use.
    pub(super) fn reload(&self) -> Result<bool> {
        let stamp = stamp(&self.cert, &self.key);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == stamp {
            return Ok(false);
        }
        let fresh = load(&self.cert, &self.key);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.1 = stamp;
        current.0 = Arc::new(fresh?);
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}

/// What connections of a listener are accepted with.
#[derive(Clone)]
pub(super) enum Tls {
    /// Whoever comes.
    Open(TlsAcceptor),
    /// Who shows a certificate.
    Mutual(Arc<Mutual>),
}

impl Tls {
    /// For listeners that ask for no certificate.
    pub(super) fn open(certificate: &Arc<Certificate>) -> Self {
        let certificate = Arc::clone(certificate);
        Self::Open(
            accepting(ServerConfig::builder().with_no_client_auth().with_cert_resolver(certificate)).into(),
        )
    }

    /// For one more connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        match self {
            Self::Open(acceptor) => acceptor.clone(),
            Self::Mutual(mutual) => mutual.acceptor(),
        }
    }
}

fn accepting(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

fn stamp(cert: &Path, key: &Path) -> Stamp {
    [cert, key].map(stamp_of)
}

fn stamp_of(path: &Path) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn load(cert: &Path, key: &Path) -> Result<CertifiedKey> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .with_context(|| format!("tls.cert {}", cert.display()))?;
    if chain.is_empty() {
        bail!("tls.cert {} holds no certificate", cert.display());
    }
    let secret = PrivateKeyDer::from_pem_file(key).with_context(|| format!("tls.key {}", key.display()))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, secret, &provider)
        .with_context(|| format!("tls.cert {} and tls.key {}", cert.display(), key.display()))
}
