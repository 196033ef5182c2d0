//! A cluster's own API server, which tells its keys to who may ask.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, rustls};

use super::*;

/// An API server: https by its own authority, and keys for nobody without the token of the moment.
struct ApiServer {
    address: SocketAddr,
    token: Mutex<String>,
    keys: Mutex<Value>,
    asked: AtomicUsize,
}

impl ApiServer {
    /// It, and a file with its authority.
    async fn start(folder: &std::path::Path) -> (Arc<Self>, PathBuf) {
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &Issuer::new(params, authority_key)).unwrap();
        let ca_file = folder.join("ca.crt");
        fs::write(&ca_file, authority).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (token, keys) = (Mutex::default(), Mutex::default());
        let server = Arc::new(Self { address, token, keys, asked: AtomicUsize::new(0) });
        let (serving, tls) = (Arc::clone(&server), TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = tls.accept(stream).await else { continue };
                let (mut head, mut part) = (Vec::new(), [0; 1024]);
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut part).await {
                        Ok(length) if length > 0 => head.extend_from_slice(&part[..length]),
                        _ => break,
                    }
                }
                let (status, body) = serving.answer(&String::from_utf8(head).unwrap());
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                // Whoever has gone wants no answer.
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        (server, ca_file)
    }

    fn issuer(&self) -> String {
        format!("https://{}", self.address)
    }

    fn answer(&self, head: &str) -> (&'static str, String) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let wanted = format!("authorization: bearer {}\r\n", self.token.lock().unwrap());
        if !head.to_lowercase().contains(&wanted) {
            return ("401 Unauthorized", "{}".to_owned());
        }
        match head.split(' ').nth(1) {
            // As a real one: an address of its own network.
            Some("/.well-known/openid-configuration") => {
                let jwks_uri = "https://10.0.0.1:6443/openid/v1/jwks";
                ("200 OK", json!({ "issuer": self.issuer(), "jwks_uri": jwks_uri }).to_string())
            }
            Some("/openid/v1/jwks") => ("200 OK", self.keys.lock().unwrap().to_string()),
            _ => ("404 Not Found", String::new()),
        }
    }
}

#[tokio::test]
async fn keys_of_a_cluster_are_read_from_its_api_server_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (server, ca_file) = ApiServer::start(folder.path()).await;
    let token_file = folder.path().join("token");
    let (old, new) = (key(), key());
    *server.token.lock().unwrap() = "first".to_owned();
    *server.keys.lock().unwrap() = jwks(&[&old]);
    fs::write(&token_file, "first\n").unwrap();
    let spec = IssuerSpec {
        issuer: vec![server.issuer()],
        ca_file: Some(ca_file.clone()),
        token_file: Some(token_file.clone()),
        ..spec(IssuerKind::Kubernetes)
    };
    let jwts = Jwts::new(std::slice::from_ref(&spec), &web()).unwrap();
    let [by_old, by_new] =
        [&old, &new].map(|key| token(key, json!({}), &kubernetes_claims(&server.issuer())));
    let subject = "system:serviceaccount:shop:reporter";
    assert_eq!(seen(&jwts, &by_old, NOW).await.unwrap().identity.subject, subject);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);

    // The cluster has other keys, and the kubelet has written the next token.
    *server.keys.lock().unwrap() = jwks(&[&old, &new]);
    *server.token.lock().unwrap() = "second".to_owned();
    fs::write(&token_file, "second").unwrap();
    let later = NOW + Duration::from_secs(20);
    assert_eq!(seen(&jwts, &by_new, later).await.unwrap().identity.subject, subject);

    // At the address of the keys alone, for an issuer of another name.
    let jwks_url = Some(format!("{}/openid/v1/jwks", server.issuer()));
    let named = IssuerSpec { issuer: names(&[KUBE]), jwks_url, ..spec.clone() };
    assert_eq!(who(&named, &token(&new, json!({}), &kubernetes_claims(KUBE))).await, subject);

    let stranger = folder.path().join("stranger.crt");
    let other = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(&stranger, params.self_signed(&other).unwrap().pem()).unwrap();
    fs::write(&token_file, "wrong").unwrap();
    for (wrong, comes_through) in [
        (spec.clone(), true),
        (IssuerSpec { token_file: None, ..spec.clone() }, true),
        (IssuerSpec { ca_file: Some(stranger), ..spec.clone() }, false),
        (IssuerSpec { ca_file: None, ..spec.clone() }, false),
    ] {
        let before = server.asked.load(Ordering::SeqCst);
        assert_eq!(who(&wrong, &by_new).await, "auth.key_unavailable", "{wrong:?}");
        assert_eq!(server.asked.load(Ordering::SeqCst) > before, comes_through, "{wrong:?}");
    }
}
