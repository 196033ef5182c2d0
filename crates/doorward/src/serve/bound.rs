//! The listeners of a configuration, bound, and how each of them speaks.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;

use super::{
    background::Background,
    is_chosen,
    listen::{self, Doors},
    tls::{Certificate, Mutual, Tls},
};
use crate::config::{Config, Loaded};

/// Listeners that are bound and do not accept yet.
pub(super) struct Bound {
    open: Vec<TcpListener>,
    mutual: Vec<TcpListener>,
    certificate: Option<Arc<Certificate>>,
    authorities: Option<Arc<Mutual>>,
}

impl Bound {
    /// Reads the certificates, then binds.
    ///
    /// # Errors
    /// When a file makes no sense, or an address cannot be bound.
    pub(super) async fn bind(loaded: &Loaded) -> Result<Self> {
        let config = &loaded.config;
        let certificate = match (&config.tls.cert, &config.tls.key) {
            (Some(cert), Some(key)) => Some(Arc::new(Certificate::read(cert, key)?)),
            _ => None,
        };
        let authorities = authorities(config, certificate.as_ref())?;
        let open = listen::bind(&config.listen, is_chosen(loaded)).await?;
        let mutual = match authorities {
            Some(_) => listen::bind(&config.tls.mtls_listen, true).await?,
            None => Vec::new(),
        };
        Ok(Self { open, mutual, certificate, authorities })
    }

    /// Whether clients speak TLS here.
    pub(super) const fn has_tls(&self) -> bool {
        self.certificate.is_some()
    }

    /// The addresses that ask for no certificate.
    pub(super) fn addresses(&self) -> Result<Vec<SocketAddr>> {
        self.open.iter().map(|listener| Ok(listener.local_addr()?)).collect()
    }

    /// Accepts connections from now on.
    pub(super) fn accept(self, doors: &Doors, background: &Background) -> Result<()> {
        let tls = self.certificate.as_ref().map(|certificate| {
            background.watch_certificate(Arc::clone(certificate));
            Tls::open(certificate)
        });
        for listener in self.open {
            doors.open(listener, tls.clone());
        }
        let Some(authorities) = self.authorities else { return Ok(()) };
        background.watch_authorities(Arc::clone(&authorities));
        for listener in self.mutual {
            tracing::info!(address = %listener.local_addr()?, "listening, for who shows a client certificate");
            doors.open(listener, Some(Tls::Mutual(Arc::clone(&authorities))));
        }
        Ok(())
    }
}

/// Who may connect to `tls.mtls_listen`, if it is set.
fn authorities(config: &Config, certificate: Option<&Arc<Certificate>>) -> Result<Option<Arc<Mutual>>> {
    let tls = &config.tls;
    if tls.mtls_listen.is_empty() {
        return Ok(None);
    }
    let certificate = certificate.context("tls.mtls_listen goes with tls.cert and tls.key")?;
    let authorities = tls.client_ca.as_deref().context("tls.mtls_listen goes with tls.client_ca")?;
    let mutual = Mutual::read(Arc::clone(certificate), authorities, tls.client_crl.as_deref())?;
    Ok(Some(Arc::new(mutual)))
}
