use std::io::{Read as _, Write as _};

use super::*;

fn request(url: &str) -> FetchRequest {
    FetchRequest { method: "GET", url: url::Url::parse(url).unwrap(), headers: vec![], body: vec![] }
}

/// Addresses that a server must never be sent to, in every spelling that a URL takes.
const CORPUS: &[&str] = &[
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://0.0.0.0:6379/",
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.0.0.170/",
    "https://192.0.2.1/",
    "https://192.168.1.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://168.63.129.16/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://１２７.０.０.１/",
    "http://example.com/",
    "https://user:password@example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:text/plain,x",
];

#[test]
fn the_corpus_is_refused_before_any_connection() {
    for url in CORPUS {
        let parsed = url::Url::parse(url).unwrap();
        assert!(check(&parsed, Reach::Public).is_err(), "{url}");
    }
}

#[test]
fn the_public_network_is_reachable() {
    for address in ["1.1.1.1", "8.8.8.8", "100.63.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111"] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
    assert!(check(&url::Url::parse("https://example.com/jwks").unwrap(), Reach::Public).is_ok());
    assert!(is_public("64:ff9b::808:808".parse().unwrap()));
}

#[test]
fn one_private_address_among_public_ones_refuses_the_name() {
    let answer = |addresses: &[&str]| -> Vec<SocketAddr> {
        addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()
    };
    assert!(admit("a.example", &answer(&["1.1.1.1", "2606:4700::1111"]), Reach::Public).is_ok());
    assert!(admit("a.example", &answer(&["1.1.1.1", "127.0.0.1"]), Reach::Public).is_err());
    assert!(admit("a.example", &answer(&["::ffff:10.0.0.1"]), Reach::Public).is_err());
    assert!(admit("a.example", &answer(&["127.0.0.1"]), Reach::Anywhere).is_ok());
}

#[tokio::test]
async fn a_name_for_this_machine_is_refused_by_the_resolver() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let outcome = fetcher(Reach::Public)(request("https://localhost:1/")).await;
    assert!(matches!(outcome, Err(FetchFailure::Refused(why)) if why.contains("localhost")));
}

/// Answers one request with `answer` on a free port.
fn server(answer: Vec<u8>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0_u8; 4096];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(&answer);
    });
    url
}

#[tokio::test]
async fn redirects_are_not_followed_and_long_answers_are_cut_off() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let fetch = fetcher(Reach::Anywhere);
    let moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec();
    assert_eq!(fetch(request(&server(moved))).await.unwrap().status, 302);
    let mut long = b"HTTP/1.1 200 OK\r\ncontent-length: 65537\r\n\r\n".to_vec();
    long.extend(vec![b'x'; 65537]);
    assert!(matches!(fetch(request(&server(long))).await, Err(FetchFailure::NoAnswer(_))));
}

#[test]
fn the_operators_own_urls_may_lead_into_the_own_network() {
    let cases = [
        ("https://10.0.0.7/keys", true),
        ("https://keycloak.internal/keys", true),
        ("http://localhost:8080/keys", true),
        ("http://id.localhost:8080/keys", true),
        ("http://[::1]:8080/keys", true),
        ("http://keycloak.internal/keys", false),
        ("http://10.0.0.7/keys", false),
        ("ftp://localhost/keys", false),
        ("https://ada:secret@id.example.com/keys", false),
    ];
    for (url, may) in cases {
        assert_eq!(check(&url::Url::parse(url).unwrap(), Reach::Named).is_ok(), may, "{url}");
    }
}
