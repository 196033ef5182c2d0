use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use doorward_judge::{Confirmation, CredentialKind, IdentityType, Proof, Refusal, Why};
use http::{HeaderMap, HeaderName, HeaderValue};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};
use serde_json::json;

use super::{read::sha256, *};

const WORKLOAD: &str = "spiffe://example.org/ns/shop/sa/reporter";

enum San<'n> {
    Uri(&'n str),
    Dns(&'n str),
    Email(&'n str),
}
use San::{Dns, Email, Uri};

/// A certificate of 2026.
fn der(names: &[San<'_>], change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
    params.distinguished_name.push(DnType::CommonName, "reporter");
    params.subject_alt_names = names
        .iter()
        .map(|name| match name {
            Uri(name) => SanType::URI((*name).try_into().unwrap()),
            Dns(name) => SanType::DnsName((*name).try_into().unwrap()),
            Email(name) => SanType::Rfc822Name((*name).try_into().unwrap()),
        })
        .collect();
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn certificate(names: &[San<'_>]) -> ClientCertificate {
    ClientCertificate::read(&der(names, |_| {})).unwrap()
}

fn at(day: &str) -> Time {
    format!("{day}T12:00:00Z").parse().unwrap()
}

fn known(entries: serde_json::Value) -> Certificates {
    let entries: Vec<CertificateSpec> = serde_json::from_value(entries).unwrap();
    Certificates::new(&entries, SubjectFrom::Spiffe, false).unwrap()
}

fn subject(certificates: &Certificates, shown: &ClientCertificate) -> Result<String, Why> {
    let found = certificates.holder(shown, at("2026-06-01"));
    found.map(|principal| principal.identity.subject).map_err(|refusal| refusal.why)
}

#[test]
fn a_certificate_says_who_it_is() {
    let der = der(&[Uri(WORKLOAD), Dns("reporter.example.org"), Email("Ada@example.org")], |_| {});
    let read = ClientCertificate::read(&der).unwrap();
    assert_eq!(read.thumbprint(), BASE64URL_NOPAD.encode(&sha256(&der)));
    assert_eq!(read.subject(), "CN=reporter,O=Example\\, Inc.");
    assert_eq!(read.issuer(), read.subject());
    assert_eq!(read.spiffe_id().unwrap().unwrap().as_str(), WORKLOAD);
    for (day, is_valid) in
        [("2025-12-31", false), ("2026-01-01", true), ("2026-12-30", true), ("2027-01-01", false)]
    {
        assert_eq!(read.is_valid_at(at(day)), is_valid, "{day}");
    }
}

#[test]
fn what_is_no_certificate_is_not_read() {
    let good = der(&[Dns("a.example")], |_| {});
    let longer: Vec<u8> = good.iter().copied().chain([0]).collect();
    let shorter = good[..good.len() - 1].to_vec();
    let huge = der(&[Uri(&format!("https://{}.example", "a".repeat(17_000)))], |_| {});
    let blank = der(&[Uri("https://a.example/ b")], |_| {});
    let nul = der(&[Dns("a.example\0.b")], |_| {});
    for bytes in [vec![], b"hello".to_vec(), longer, shorter, huge, blank, nul] {
        assert!(ClientCertificate::read(&bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn names_cannot_pretend_to_be_several() {
    for (name, shown) in [
        ("a, O=Admins", "CN=a\\, O=Admins"),
        ("a+UID=root", "CN=a\\+UID=root"),
        (" #a ", "CN=\\ #a\\ "),
        ("#a\\", "CN=\\#a\\\\"),
    ] {
        let der = der(&[], |params| {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
        });
        assert_eq!(ClientCertificate::read(&der).unwrap().subject(), shown, "{name}");
    }
}

#[test]
fn an_entry_says_what_a_workload_may() {
    let certificates = known(json!([
        { "spiffe": "spiffe://example.org/ns/other/**", "scopes": ["all"] },
        { "spiffe": "spiffe://example.org/ns/*/sa/reporter", "scopes": ["reports:read"], "permissions": ["see"],
          "workspaces": ["WS-1"], "organization": "org_1", "role": "service" },
    ]));
    let shown = certificate(&[Uri(WORKLOAD), Dns("reporter.example.org")]);
    let principal = certificates.holder(&shown, at("2026-06-01")).unwrap();
    let identity = &principal.identity;
    assert_eq!((identity.subject.as_str(), identity.kind), (WORKLOAD, IdentityType::Service));
    assert_eq!(identity.scopes.iter().collect::<Vec<_>>(), ["reports:read"]);
    assert!(identity.permissions.contains("see") && identity.workspaces.contains("ws-1"));
    assert_eq!(identity.organization.as_deref(), Some("org_1"));
    assert_eq!(identity.issuer.as_deref(), Some("spiffe://example.org"));
    assert_eq!(principal.credential, CredentialKind::Certificate);
    let bound = principal.confirmation.unwrap();
    assert_eq!(bound, Confirmation::Certificate(shown.thumbprint().to_owned()));
    assert!(!bound.is_met(&Proof { certificate: Some("another".to_owned()), ..Proof::default() }));
    assert_eq!(principal.expires_at, Some("2026-12-31T00:00:01Z".parse().unwrap()));
}

#[test]
fn ids_of_workloads_are_matched_by_whole_segments() {
    for (pattern, matches) in [
        ("spiffe://example.org/ns/shop/sa/reporter", true),
        ("spiffe://example.org/ns/*/sa/*", true),
        ("spiffe://example.org/**", true),
        ("spiffe://example.org/ns/shop/**", true),
        ("spiffe://example.org/ns/shop/sa/reporter/**", false),
        ("spiffe://example.org/ns/shop/sa/report", false),
        ("spiffe://example.org/ns/*", false),
        ("spiffe://example.org/*/*/*/*/*", false),
        ("spiffe://example.or/ns/shop/sa/reporter", false),
        ("spiffe://example.org.evil.test/**", false),
    ] {
        let certificates = known(json!([{ "spiffe": pattern }]));
        let found = subject(&certificates, &certificate(&[Uri(WORKLOAD)]));
        assert_eq!(found.is_ok(), matches, "{pattern}");
    }
    let certificates = known(json!([{ "spiffe": "spiffe://example.org/**" }]));
    for uri in [
        "spiffe://evil.test/ns/shop/sa/reporter",
        "spiffe://example.org",
        "spiffe://example.org/",
        "spiffe://example.org/a/../b",
        "SPIFFE://example.org/a",
        "spiffe://EXAMPLE.org/a",
        "spiffe:example.org/a",
        "https://example.org/a",
    ] {
        assert_eq!(subject(&certificates, &certificate(&[Uri(uri)])), Err(Why::InvalidToken), "{uri}");
    }
    let two = certificate(&[Uri(WORKLOAD), Uri("https://example.org/a")]);
    assert_eq!(subject(&certificates, &two), Err(Why::InvalidToken), "an SVID has one URI");
    let both = certificate(&[Uri(WORKLOAD), Uri("spiffe://example.org/b")]);
    assert_eq!(subject(&certificates, &both), Err(Why::InvalidToken));
    let beside = certificate(&[Dns("a.example"), Uri(WORKLOAD), Email("a@b.example")]);
    assert_eq!(subject(&certificates, &beside), Ok(WORKLOAD.to_owned()));
}

#[test]
fn other_names_are_matched_too() {
    let names = [
        Dns("Reporter.shop.example.org"),
        Dns("b.example"),
        Email("Ada@Example.org"),
        Uri("https://a.example/x"),
    ];
    let shown = certificate(&names);
    for (entry, expected) in [
        (json!({ "dns": "reporter.shop.example.org" }), Ok("Reporter.shop.example.org")),
        (json!({ "dns": "*.shop.example.org" }), Ok("Reporter.shop.example.org")),
        (json!({ "dns": "b.example", "subject": "b" }), Ok("b")),
        (json!({ "dns": "*.example.org" }), Err(Why::InvalidToken)),
        (json!({ "dns": "shop.example.org" }), Err(Why::InvalidToken)),
        (json!({ "email": "*@example.org" }), Ok("Ada@Example.org")),
        (json!({ "email": "ada@example.org" }), Err(Why::InvalidToken)),
        (json!({ "uri": "https://a.example/x" }), Ok("https://a.example/x")),
        (json!({ "uri": "https://a.example/" }), Err(Why::InvalidToken)),
        (json!({ "dn": "CN=reporter,O=Example\\, Inc." }), Ok("CN=reporter,O=Example\\, Inc.")),
        (json!({ "dn": "CN=reporter" }), Err(Why::InvalidToken)),
        (json!({ "dns": "b.example", "issuer": "CN=other" }), Err(Why::InvalidToken)),
        (json!({ "issuer": "CN=reporter,O=Example\\, Inc.", "subject": "any" }), Ok("any")),
        (json!({ "issuer": "CN=reporter,O=Example\\, Inc." }), Err(Why::InvalidToken)),
    ] {
        let found = subject(&known(json!([entry])), &shown);
        assert_eq!(found.as_deref().map_err(|why| *why), expected, "{entry}");
    }
}

#[test]
fn without_an_entry_a_certificate_may_be_somebody_with_nothing() {
    let shown = certificate(&[Dns("a.example"), Email("a@b.example"), Email("c@b.example")]);
    assert_eq!(subject(&known(json!([])), &shown), Err(Why::InvalidToken));
    for (from, expected) in [
        (SubjectFrom::Dns, Ok("a.example")),
        (SubjectFrom::Dn, Ok("CN=reporter,O=Example\\, Inc.")),
        (SubjectFrom::Email, Err(Why::InvalidToken)),
        (SubjectFrom::Uri, Err(Why::InvalidToken)),
        (SubjectFrom::Spiffe, Err(Why::InvalidToken)),
    ] {
        let certificates = Certificates::new(&[], from, true).unwrap();
        let found = subject(&certificates, &shown);
        assert_eq!(found.as_deref().map_err(|why| *why), expected, "{from:?}");
    }
    let any = Certificates::new(&[], SubjectFrom::Spiffe, true).unwrap();
    let principal = any.holder(&certificate(&[Uri(WORKLOAD)]), at("2026-06-01")).unwrap();
    assert!(principal.identity.scopes.is_empty() && principal.identity.workspaces.is_empty());
}

#[test]
fn certificates_out_of_time_and_those_of_authorities_are_nobodys() {
    let certificates = known(json!([{ "spiffe": "spiffe://example.org/**" }]));
    let shown = certificate(&[Uri(WORKLOAD)]);
    let why = |now| certificates.holder(&shown, now).map_err(|refusal| refusal.why).err();
    assert_eq!(why(at("2025-12-31")), Some(Why::InvalidToken));
    assert_eq!(why("2026-12-31T00:00:00Z".parse().unwrap()), None, "the last second counts");
    assert_eq!(why("2026-12-31T00:00:01Z".parse().unwrap()), Some(Why::TokenExpired));
    let authority = der(&[Uri(WORKLOAD)], |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let signer = der(&[Uri(WORKLOAD)], |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    });
    for der in [authority, signer] {
        let shown = ClientCertificate::read(&der).unwrap();
        assert_eq!(subject(&certificates, &shown), Err(Why::InvalidToken));
    }
}

#[test]
fn entries_that_make_no_sense_are_refused() {
    for entry in [
        json!({}),
        json!({ "scopes": ["a"] }),
        json!({ "spiffe": "spiffe://*/**" }),
        json!({ "spiffe": "spiffe://example.org" }),
        json!({ "spiffe": "spiffe://example.org/" }),
        json!({ "spiffe": "spiffe://example.org/**/a" }),
        json!({ "spiffe": "spiffe://example.org/a*" }),
        json!({ "spiffe": "https://example.org/**" }),
        json!({ "dns": "*" }),
        json!({ "dns": "*.*.example.org" }),
        json!({ "dns": "a*.example.org" }),
        json!({ "email": "example.org" }),
        json!({ "email": "*" }),
        json!({ "email": "a*@example.org" }),
    ] {
        let entries: Vec<CertificateSpec> = serde_json::from_value(json!([entry.clone()])).unwrap();
        assert!(Certificates::new(&entries, SubjectFrom::Spiffe, false).is_err(), "{entry}");
    }
    assert!(serde_json::from_value::<CertificateSpec>(json!({ "spifee": "x" })).is_err());
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// The name of the certificate that a header tells; empty for a header that makes no sense.
fn told(form: Forwarding, pairs: &[(&str, &str)]) -> Option<String> {
    let shown = form.read(&headers(pairs))?;
    Some(shown.map(|certificate| certificate.dns.concat()).unwrap_or_default())
}

fn percent(der: &[u8]) -> String {
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(der));
    pem.bytes().fold(String::new(), |text, byte| match byte {
        byte if byte.is_ascii_alphanumeric() || byte == b'-' => text + &char::from(byte).to_string(),
        byte => text + &format!("%{byte:02X}"),
    })
}

#[test]
fn client_cert_is_one_byte_sequence() {
    let der = der(&[Dns("a.example")], |_| {});
    let good = format!(":{}:", BASE64.encode(&der));
    let tell = |values: &[&str]| {
        let pairs: Vec<_> = values.iter().map(|value| ("Client-Cert", *value)).collect();
        told(Forwarding::ClientCert, &pairs)
    };
    assert_eq!(tell(&[&good]).as_deref(), Some("a.example"));
    assert_eq!(tell(&[&format!("  {good} ")]).as_deref(), Some("a.example"));
    for nothing in ["", "::"] {
        assert_eq!(tell(&[nothing]), None, "{nothing:?}");
    }
    assert_eq!(told(Forwarding::ClientCert, &[("x-forwarded-client-cert", &good)]), None);
    let bare = BASE64.encode(&der);
    let twice = format!("{good}, {good}");
    let huge = format!(":{}:", BASE64.encode(&vec![48; 60_000]));
    for wrong in [
        &bare,
        &twice,
        &format!("{good};a=1"),
        &format!("\"{bare}\""),
        ":",
        ":!:",
        ":AAAA:",
        &huge,
        &percent(&der),
    ] {
        assert_eq!(tell(&[wrong]).as_deref(), Some(""), "{wrong}");
    }
    assert_eq!(tell(&[&good, &good]).as_deref(), Some(""), "two headers");
}

#[test]
fn the_nearest_proxy_s_element_counts() {
    let (ours, other) = (der(&[Dns("a.example")], |_| {}), der(&[Dns("b.example")], |_| {}));
    let (cert, theirs) = (percent(&ours), percent(&other));
    let hash = HEXLOWER.encode(&sha256(&ours));
    let tell = |value: &str| told(Forwarding::Xfcc, &[("X-Forwarded-Client-Cert", value)]);
    for good in [
        format!("Cert={cert}"),
        format!("Cert=\"{cert}\""),
        format!("By=spiffe://x/y;Hash={hash};Subject=\"CN=a,O=\\\"b;c\\\"\";URI=;cert=\"{cert}\""),
        format!("Hash=00;Cert=\"{theirs}\",Hash={};Cert=\"{cert}\"", hash.to_uppercase()),
        format!("Subject=\"x,Cert=y\";Cert={cert}"),
        format!("Subject=\"\\\",Cert=y\";Cert={cert}"),
    ] {
        assert_eq!(tell(&good).as_deref(), Some("a.example"), "{good}");
    }
    for wrong in [
        "nonsense".to_owned(),
        format!("Hash={hash}"),
        format!("Cert={cert},Hash={hash}"),
        format!("Hash=00;Cert={cert}"),
        format!("Hash={};Cert={cert}", HEXLOWER.encode(&sha256(&other))),
        format!("Cert={cert};Cert={theirs}"),
        format!("Subject=\"CN=a;Cert={cert}"),
        format!("Cert=\"{cert}"),
        format!("Cert={cert}%"),
        format!("Cert={cert}%2"),
        format!("Cert={cert}%zz"),
        format!("Cert={cert}{cert}"),
        format!("Cert={}", "A".repeat(60_000)),
        ",".to_owned(),
    ] {
        assert_eq!(tell(&wrong).as_deref(), Some(""), "{wrong}");
    }
    assert_eq!(
        Forwarding::from_encoded_pem(&cert).unwrap().thumbprint(),
        BASE64URL_NOPAD.encode(&sha256(&ours))
    );
    assert_eq!((tell("Cert="), tell("Cert=\"\""), tell("")), (None, None, None));
    assert!(Forwarding::from_encoded_pem("").is_err());
}

#[tokio::test]
async fn a_certificate_is_a_credential_where_nothing_else_is_presented() {
    use crate::server::{Chain, Credential, Provider};
    let shown = Ok(Arc::new(certificate(&[Uri(WORKLOAD)])));
    let certificates: Arc<dyn Provider> = Arc::new(known(json!([{ "spiffe": "spiffe://example.org/**" }])));
    let (chain, without) = (Chain::new(vec![certificates]), Chain::new(Vec::new()));
    let (none, token) = (headers(&[]), headers(&[("authorization", "Bearer abc")]));
    let found = chain.presented(&none, Some(&shown), (true, false)).unwrap().unwrap();
    let known = chain.recognise(&found, at("2026-06-01")).await.unwrap();
    assert_eq!(known.principal.identity.subject, WORKLOAD);
    assert!(matches!(
        chain.presented(&token, Some(&shown), (true, false)),
        Ok(Some(Credential::Token { .. }))
    ));
    assert!(matches!(chain.presented(&none, Some(&shown), (false, false)), Ok(None)));
    assert!(matches!(without.presented(&none, Some(&shown), (true, false)), Ok(None)));
    assert!(matches!(chain.presented(&none, None, (true, false)), Ok(None)));
    for (site, mode, origin, counts) in [
        ("none", "navigate", "", true),
        ("same-origin", "cors", "https://a.example", true),
        ("cross-site", "navigate", "", true),
        ("cross-site", "navigate", "https://evil.test", false),
        ("cross-site", "no-cors", "", false),
        ("same-site", "websocket", "https://b.a.example", false),
    ] {
        let mut sent = headers(&[("sec-fetch-site", site), ("sec-fetch-mode", mode)]);
        if !origin.is_empty() {
            sent.insert("origin", HeaderValue::from_static(origin));
        }
        let found = chain.presented(&sent, Some(&shown), (true, false)).unwrap();
        assert_eq!(found.is_some(), counts, "{site} {mode} {origin}");
    }
    let wrong = Err(BadCertificate("no"));
    let refused: Refusal = chain.presented(&none, Some(&wrong), (true, false)).unwrap_err();
    assert_eq!(refused.why, Why::InvalidToken);
    assert!(
        matches!(chain.presented(&token, Some(&wrong), (true, false)), Ok(Some(_))),
        "then it proves nothing"
    );
}
