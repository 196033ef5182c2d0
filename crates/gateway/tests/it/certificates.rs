//! Client certificates at the doors: as credentials, and as proof of tokens that are bound to them.

use std::{net::IpAddr, sync::Arc};

use axum::body::Body;
use data_encoding::BASE64;
use doorward_gateway::{Gateway, Origin, RouteSpec, Settings};
use doorward_judge::{Confirmation, CredentialKind, Identity, Mode, Principal};
use doorward_proto::time::Time;
use doorward_sdk::server::{
    Chain, Credential, Provider, Recognition, Seen,
    certificate::{BadCertificate, CertificateSpec, Certificates, ClientCertificate, Shown, SubjectFrom},
};
use futures_util::future::BoxFuture;
use http::Request;
use http_body_util::BodyExt as _;
use prost::Message as _;
use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

const WORKLOAD: &str = "spiffe://example.org/ns/shop/sa/reporter";

fn der(id: &str) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    params.subject_alt_names = vec![SanType::URI(id.try_into().unwrap())];
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[expect(clippy::unnecessary_wraps, reason = "as a connection has it")]
fn shown(der: &[u8]) -> Option<Shown> {
    Some(ClientCertificate::read(der).map(Arc::new))
}

/// Tokens that name the certificate which they are bound to.
struct Bound;

impl Provider for Bound {
    fn name(&self) -> &'static str {
        "bound"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token() else { return Ok(None) };
            let identity = Identity { subject: "usr_ada".to_owned(), ..Identity::default() };
            let confirmation = Some(Confirmation::Certificate(token.expose().to_owned()));
            Ok(Some(Principal { confirmation, ..Principal::new(identity, CredentialKind::Jwt) }))
        })
    }
}

fn gateway(mapping: Json, day: &'static str) -> Gateway {
    let routes: Vec<RouteSpec> = serde_json::from_value(json!([
        { "name": "reports", "paths": ["/reports/**"] },
        { "name": "tokens", "paths": ["/tokens"], "accept": ["jwt"] },
        { "name": "lounge", "paths": ["/lounge"], "mode": "optional" },
        { "name": "public", "paths": ["/public"], "mode": "disabled" },
    ]))
    .unwrap();
    let entries: Vec<CertificateSpec> = serde_json::from_value(mapping).unwrap();
    let mut providers: Vec<Arc<dyn Provider>> = vec![Arc::new(Bound)];
    if !entries.is_empty() {
        providers.push(Arc::new(Certificates::new(&entries, SubjectFrom::Spiffe, false).unwrap()));
    }
    Gateway::new(Settings {
        routes,
        mode: Mode::Required,
        audiences: Vec::new(),
        issuer: "https://issuer.example".to_owned(),
        is_alone: false,
        chain: Chain::new(providers),
        limiter: Arc::default(),
        proofs: None,
        sign_in: None,
        signer: None,
        witness: None,
        meter: None,
        tickets: None,
        clock: Arc::new(move || format!("{day}T12:00:00Z").parse::<Time>().unwrap()),
        stop: CancellationToken::new(),
    })
    .unwrap()
}

fn mapped() -> Json {
    json!([{ "spiffe": "spiffe://example.org/ns/shop/**" }])
}

fn origin(certificate: Option<Shown>) -> Origin {
    let address = IpAddr::from([192, 0, 2, 7]);
    let request_id = "ref-1".to_owned();
    Origin {
        address,
        is_trusted: true,
        is_https: true,
        certificate,
        request_id,
        hold: None,
        decided: doorward_gateway::Decided::default(),
    }
}

/// Who is let through, or why nobody is.
async fn ask(gateway: &Gateway, path: &str, token: Option<&str>, certificate: Option<Shown>) -> String {
    let mut request = Request::get("/validate?profile=caddy")
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-host", "app.example")
        .header("x-forwarded-uri", path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = gateway.answer(request.body(Body::empty()).unwrap(), origin(certificate)).await;
    if answer.status() == 200 {
        return answer.headers()["x-user-id"].to_str().unwrap().to_owned();
    }
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<Json>(&body).unwrap()["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_certificate_is_a_credential_where_it_is_accepted() {
    let (ours, foreign) = (der(WORKLOAD), der("spiffe://evil.test/ns/shop/sa/reporter"));
    let broken = Some(Err(BadCertificate("It is no certificate")));
    let gateway = gateway(mapped(), "2026-06-01");
    for (path, certificate, expect) in [
        ("/reports/1", shown(&ours), WORKLOAD),
        ("/lounge", shown(&ours), WORKLOAD),
        ("/tokens", shown(&ours), "auth.missing_token"),
        ("/public", shown(&foreign), ""),
        ("/reports/1", shown(&foreign), "auth.invalid_token"),
        ("/lounge", shown(&foreign), "auth.invalid_token"),
        ("/lounge", None, ""),
        ("/reports/1", None, "auth.missing_token"),
        ("/reports/1", broken.clone(), "auth.invalid_token"),
        ("/tokens", broken, "auth.missing_token"),
    ] {
        assert_eq!(ask(&gateway, path, None, certificate.clone()).await, expect, "{path} {certificate:?}");
    }
}

#[tokio::test]
async fn nobody_is_known_by_a_certificate_where_nobody_says_whose_it_is() {
    let ours = der(WORKLOAD);
    let gateway = gateway(json!([]), "2026-06-01");
    assert_eq!(ask(&gateway, "/reports/1", None, shown(&ours)).await, "auth.missing_token");
    assert_eq!(ask(&gateway, "/lounge", None, shown(&ours)).await, "");
    let thumbprint = ClientCertificate::read(&ours).unwrap().thumbprint().to_owned();
    assert_eq!(ask(&gateway, "/reports/1", Some(&thumbprint), shown(&ours)).await, "usr_ada");
}

#[tokio::test]
async fn a_bound_token_is_good_with_its_certificate_alone() {
    let (ours, other) = (der(WORKLOAD), der(WORKLOAD));
    let thumbprint = ClientCertificate::read(&ours).unwrap().thumbprint().to_owned();
    let gateway_then = gateway(mapped(), "2027-01-01");
    let gateway = gateway(mapped(), "2026-06-01");
    // Twice: what is remembered of a token proves nothing.
    for _ in 0..2 {
        for (certificate, expect) in [
            (shown(&ours), "usr_ada"),
            (shown(&other), "auth.proof_required"),
            (None, "auth.proof_required"),
            (Some(Err(BadCertificate("It is no certificate"))), "auth.proof_required"),
        ] {
            for path in ["/reports/1", "/tokens", "/lounge"] {
                let said = ask(&gateway, path, Some(&thumbprint), certificate.clone()).await;
                assert_eq!(said, expect, "{path} {certificate:?}");
            }
        }
    }
    assert_eq!(
        ask(&gateway_then, "/reports/1", Some(&thumbprint), shown(&ours)).await,
        "auth.proof_required"
    );
    assert_eq!(ask(&gateway_then, "/reports/1", None, shown(&ours)).await, "auth.token_expired");
}

/// What Envoy says, as far as it matters here.
#[derive(Clone, PartialEq, prost::Message)]
struct Question {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Attributes {
    #[prost(message, optional, tag = "1")]
    source: Option<Peer>,
    #[prost(message, optional, tag = "4")]
    request: Option<Described>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Peer {
    #[prost(message, optional, tag = "1")]
    address: Option<Address>,
    #[prost(string, tag = "5")]
    certificate: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Address {
    #[prost(message, optional, tag = "1")]
    socket: Option<Socket>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Socket {
    #[prost(string, tag = "2")]
    address: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Described {
    #[prost(message, optional, tag = "2")]
    http: Option<Http>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Http {
    #[prost(string, tag = "2")]
    method: String,
    #[prost(map = "string, string", tag = "3")]
    headers: std::collections::HashMap<String, String>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
}

/// Whether Envoy is told that this name was let through.
async fn envoy_hears(
    gateway: &Gateway,
    certificate: String,
    headers: &[(&str, &str)],
    of_call: Option<Shown>,
) -> bool {
    let socket = Some(Socket { address: "192.0.2.7".to_owned() });
    let http = Http {
        method: "GET".to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        path: "/reports/1".to_owned(),
        host: "app.example".to_owned(),
    };
    let attributes = Attributes {
        source: Some(Peer { address: Some(Address { socket }), certificate }),
        request: Some(Described { http: Some(http) }),
    };
    let message = Question { attributes: Some(attributes) }.encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let request = Request::post("/envoy.service.auth.v3.Authorization/Check")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let answer = gateway.answer(request.body(Body::from(body)).unwrap(), origin(of_call)).await;
    let told = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&told).contains(WORKLOAD)
}

#[tokio::test]
async fn envoy_tells_the_certificate_itself() {
    let ours = der(WORKLOAD);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(&ours));
    let encoded = pem.replace('+', "%2B").replace('\n', "%0A").replace(' ', "%20").replace('/', "%2F");
    let xfcc = format!("Cert=\"{encoded}\"");
    let header = format!(":{}:", BASE64.encode(&ours));
    let gateway = gateway(mapped(), "2026-06-01");
    assert!(envoy_hears(&gateway, encoded.clone(), &[], None).await);
    assert!(!envoy_hears(&gateway, encoded.replace("%0A", "?"), &[], None).await);
    let spoofed = [("x-forwarded-client-cert", xfcc.as_str()), ("client-cert", header.as_str())];
    assert!(!envoy_hears(&gateway, String::new(), &spoofed, None).await, "the client wrote that");
    assert!(!envoy_hears(&gateway, String::new(), &[], shown(&ours)).await, "that is Envoy's own");
}
