//! TLS to the server, as libpq understands `sslmode` and `sslrootcert`.
//!
//! `disable` never, `prefer` (the default) where the server offers it, `require` always; none of them
//! checks who the server is, unless `sslrootcert` names the authorities. `verify-ca` checks that one of
//! them signed the server's certificate, `verify-full` also that it is the certificate of this host.
//! With authorities nothing falls back to plain text. `verify-full` without `sslrootcert`, or with `sslrootcert=system`, trusts this machine's authorities.

use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::outcome::{Error, Result};

const SYSTEM: &str = "system";

/// What an address says about TLS.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    mode: Option<String>,
    root: Option<String>,
}

impl Wish {
    /// Takes what belongs here out of an address; the driver knows neither all modes nor the root.
    pub(super) fn take(url: &str) -> (Self, String) {
        let mut wish = Self::default();
        let Some((address, query)) = url.split_once('?') else { return (wish, url.to_owned()) };
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            // In these addresses a plus sign stands for itself.
            let plain = pair.replace('+', "%2B");
            let value =
                || url::form_urlencoded::parse(plain.as_bytes()).next().map(|(_, value)| value.into_owned());
            match pair.split_once('=') {
                Some(("sslmode", _)) => wish.mode = value(),
                Some(("sslrootcert", _)) => wish.root = value(),
                _ => rest.push(pair),
            }
        }
        let mark = if rest.is_empty() { "" } else { "?" };
        (wish, format!("{address}{mark}{}", rest.join("&")))
    }

    /// How the driver asks, and with what it speaks TLS.
    ///
    /// # Errors
    /// A mode that there is not, or authorities that cannot be read.
    pub(super) fn connector(&self) -> Result<(SslMode, Option<MakeRustlsConnect>)> {
        let root = self.root.as_deref();
        let (mode, trust) = match (self.mode.as_deref().unwrap_or("prefer"), root) {
            ("disable", _) => return Ok((SslMode::Disable, None)),
            ("prefer" | "allow" | "require" | "verify-ca", Some(SYSTEM)) => {
                return Err(Error::fault("sslrootcert=system needs sslmode=verify-full"));
            }
            ("prefer" | "allow", None) => (SslMode::Prefer, Trust::Anybody),
            ("require", None) => (SslMode::Require, Trust::Anybody),
            ("verify-ca", None) => return Err(Error::fault("sslmode=verify-ca needs sslrootcert")),
            ("prefer" | "allow" | "require" | "verify-ca", Some(file)) => {
                (SslMode::Require, Trust::read(Path::new(file), Names::Any)?)
            }
            ("verify-full", None | Some(SYSTEM)) => return Ok((SslMode::Require, Some(platform()?))),
            ("verify-full", Some(file)) => (SslMode::Require, Trust::read(Path::new(file), Names::Host)?),
            (other, _) => {
                return Err(Error::fault(format!(
                    "sslmode={other}: there are disable, allow, prefer, require, verify-ca and verify-full"
                )));
            }
        };
        Ok((mode, Some(trust.into_connector()?)))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn platform() -> Result<MakeRustlsConnect> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(MakeRustlsConnect::new(builder.with_platform_verifier()?.with_no_client_auth()))
}

/// Which certificates of the server are good.
#[derive(Debug)]
enum Trust {
    /// Every one: what is sent is hidden from those who listen, not from who poses as the server.
    Anybody,
    /// Those of these authorities, and the listed certificates themselves.
    Only { listed: Vec<CertificateDer<'static>>, chain: Arc<WebPkiServerVerifier>, names: Names },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Any,
    Host,
}

impl Trust {
    fn read(file: &Path, names: Names) -> Result<Self> {
        let unreadable =
            |why: &dyn std::fmt::Display| Error::fault(format!("sslrootcert {}: {why}", file.display()));
        let listed: Vec<_> = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|error| unreadable(&error))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(listed.iter().cloned());
        if roots.is_empty() {
            return Err(unreadable(&"it holds no certificate"));
        }
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        Ok(Self::Only { listed, chain, names })
    }

    fn into_connector(self) -> Result<MakeRustlsConnect> {
        let builder =
            ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Check(self, provider())));
        Ok(MakeRustlsConnect::new(builder.with_no_client_auth()))
    }
}

#[derive(Debug)]
struct Check(Trust, Arc<CryptoProvider>);

type Verified<T> = std::result::Result<T, rustls::Error>;

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Verified<ServerCertVerified> {
        let Trust::Only { listed, chain, names } = &self.0 else {
            return Ok(ServerCertVerified::assertion());
        };
        // A self-signed certificate is often marked as an authority, which a chain may not end in.
        if listed.iter().any(|known| known.as_ref() == end_entity.as_ref()) {
            if *names == Names::Host {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let outcome = chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match outcome {
            // The name is looked at last: the chain was found good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if *names == Names::Any => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Verified<HandshakeSignatureValid> {
        verify_tls12_signature(message, cert, dss, &self.1.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Verified<HandshakeSignatureValid> {
        verify_tls13_signature(message, cert, dss, &self.1.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_into_what_the_driver_knows_and_what_is_ours() {
        for (url, mode, root, rest) in [
            ("postgres://u@h/d", None, None, "postgres://u@h/d"),
            ("postgres://u@h/d?sslmode=verify-full", Some("verify-full"), None, "postgres://u@h/d"),
            (
                "postgres://u@h/d?connect_timeout=3&sslmode=verify-ca&sslrootcert=%2Fetc%2Fca.pem",
                Some("verify-ca"),
                Some("/etc/ca.pem"),
                "postgres://u@h/d?connect_timeout=3",
            ),
        ] {
            let (wish, left) = Wish::take(url);
            assert_eq!((wish.mode.as_deref(), wish.root.as_deref(), &*left), (mode, root, rest), "{url}");
        }
    }

    #[test]
    fn modes_are_asked_for_as_libpq_does() {
        let mode = |query: &str| {
            let connector = Wish::take(&format!("postgres://h/d?{query}")).0.connector();
            connector.map(|(mode, tls)| (mode, tls.is_some())).map_err(|error| format!("{error:?}"))
        };
        assert_eq!(mode(""), Ok((SslMode::Prefer, true)));
        assert_eq!(mode("sslmode=disable"), Ok((SslMode::Disable, false)));
        assert_eq!(mode("sslmode=require"), Ok((SslMode::Require, true)));
        for (query, why) in [
            ("sslmode=full", "verify-full"),
            ("sslmode=verify-ca", "needs sslrootcert"),
            ("sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
            ("sslmode=require&sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ] {
            assert!(mode(query).unwrap_err().contains(why), "{query}");
        }
    }
}
