//! Listeners that ask for a client certificate (RFC 8446 4.3.2): without one of an authority that is named,
//! there is no connection.
//!
//! Authorities and lists of revoked certificates are read again when their files change. Nothing is resumed on
//! these listeners: whoever connects again is looked at again.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use anyhow::{Context as _, Result, bail};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use tokio_rustls::TlsAcceptor;

use super::{Certificate, accepting, stamp_of};

/// Who may connect, and the files that say so.
pub(crate) struct Mutual {
    certificate: Arc<Certificate>,
    authorities: PathBuf,
    revoked: Option<PathBuf>,
    current: RwLock<(TlsAcceptor, Stamp)>,
}

type Stamp = [Option<(SystemTime, u64)>; 2];

impl Mutual {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, or makes no sense.
    pub(crate) fn read(
        certificate: Arc<Certificate>,
        authorities: &Path,
        revoked: Option<&Path>,
    ) -> Result<Self> {
        let stamp = stamp(authorities, revoked);
        let acceptor = load(&certificate, authorities, revoked)?;
        Ok(Self {
            certificate,
            authorities: authorities.to_owned(),
            revoked: revoked.map(Path::to_owned),
            current: RwLock::new((acceptor, stamp)),
        })
    }

    /// For one more connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Reads the files again when one has changed; answers whether others are asked for from now on.
    ///
    /// # Errors
    /// When the new files are no good; what was read before stays in use.
    pub(in crate::serve) fn reload(&self) -> Result<bool> {
        let stamp = stamp(&self.authorities, self.revoked.as_deref());
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == stamp {
            return Ok(false);
        }
        let fresh = load(&self.certificate, &self.authorities, self.revoked.as_deref());
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.1 = stamp;
        current.0 = fresh?;
        Ok(true)
    }
}

fn stamp(authorities: &Path, revoked: Option<&Path>) -> Stamp {
    [stamp_of(authorities), revoked.and_then(stamp_of)]
}

fn load(certificate: &Arc<Certificate>, authorities: &Path, revoked: Option<&Path>) -> Result<TlsAcceptor> {
    let shown = authorities.display();
    let mut roots = RootCertStore::empty();
    let read =
        CertificateDer::pem_file_iter(authorities).with_context(|| format!("tls.client_ca {shown}"))?;
    for authority in read {
        let authority = authority.with_context(|| format!("tls.client_ca {shown}"))?;
        roots.add(authority).with_context(|| format!("tls.client_ca {shown}"))?;
    }
    if roots.is_empty() {
        bail!("tls.client_ca {shown} holds no certificate");
    }
    let mut verifier = WebPkiClientVerifier::builder(Arc::new(roots));
    if let Some(path) = revoked {
        let lists = CertificateRevocationListDer::pem_file_iter(path)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .with_context(|| format!("tls.client_crl {}", path.display()))?;
        if lists.is_empty() {
            bail!("tls.client_crl {} holds no list", path.display());
        }
        // An authority without a list has revoked nothing.
        verifier = verifier.with_crls(lists).allow_unknown_revocation_status();
    }
    let verifier = verifier.build().with_context(|| format!("tls.client_ca {shown} and tls.client_crl"))?;
    let certificate = Arc::clone(certificate);
    let mut config =
        ServerConfig::builder().with_client_cert_verifier(verifier).with_cert_resolver(certificate);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(accepting(config).into())
}
