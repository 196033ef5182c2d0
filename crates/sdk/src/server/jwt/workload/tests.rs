mod cluster;

use std::{fs, sync::Arc, time::Duration};

use doorward_judge::Principal;
use doorward_proto::{
    jose::{Alg, SigningKey, sign},
    secret::SecretText,
    time::Time,
};
use serde_json::json;

use super::{
    IssuerKind::{Gcp, Kubernetes, Spiffe},
    *,
};
use crate::{
    exchange::Hyper,
    fetch::{Fetch, Web},
    server::{Credential, Provider as _, Scheme, Seen, jwt::Jwts},
};

const NOW: Time = Time::from_seconds(1_800_000_000);

fn web() -> Arc<dyn Fetch> {
    Arc::new(Web::new(Arc::new(Hyper::new().unwrap())))
}

fn key() -> SigningKey {
    SigningKey::generate(Alg::ES256).unwrap()
}

fn jwks(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| json!(key.jwk())).collect::<Vec<_>>() })
}

fn bundle(keys: &[(&SigningKey, Option<&str>)]) -> Value {
    let written = keys.iter().map(|(key, word)| {
        let mut written = json!(key.jwk());
        match word {
            Some(word) => written["use"] = json!(word),
            None => drop(written.as_object_mut().unwrap().remove("use")),
        }
        written
    });
    json!({ "keys": written.collect::<Vec<_>>(), "spiffe_sequence": 1, "spiffe_refresh_hint": 60 })
}

fn token(key: &SigningKey, header: Value, claims: &Value) -> String {
    let mut header = header;
    header["alg"] = json!(key.alg().as_str());
    header["kid"] = json!(key.kid());
    sign(key, &header, claims.to_string().as_bytes()).unwrap()
}

async fn seen(jwts: &Jwts, token: &str, now: Time) -> Result<Principal, Refusal> {
    let credential = Credential::Token { scheme: Scheme::Bearer, token: SecretText::from(token) };
    jwts.recognise(&credential, Seen { now }).await.map(|found| found.unwrap())
}

/// The claims with some of them changed; `null` takes one away.
fn changed(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn kubernetes_claims(issuer: &str) -> Value {
    json!({
        "iss": issuer, "aud": ["reports"], "sub": "system:serviceaccount:shop:reporter", "jti": "t1",
        "iat": NOW.as_seconds(), "nbf": NOW.as_seconds(), "exp": NOW.as_seconds() + 3_600,
        "kubernetes.io": { "namespace": "shop", "serviceaccount": { "name": "reporter", "uid": "u1" },
            "pod": { "name": "reporter-0", "uid": "u2" }, "node": { "name": "node-1", "uid": "u3" } },
        // Nobody but the configuration says what a workload may do.
        "scope": "admin:*", "roles": ["admin"], "workspace_ids": ["*"],
    })
}

fn gcp_claims() -> Value {
    json!({
        "iss": "https://accounts.google.com", "aud": "reports", "azp": "1042", "sub": "1042",
        "email": "reporter@shop.iam.gserviceaccount.com", "email_verified": true,
        "iat": NOW.as_seconds(), "exp": NOW.as_seconds() + 3_600,
        "google": { "compute_engine": { "project_id": "shop" } },
    })
}

fn svid_claims() -> Value {
    json!({ "sub": "spiffe://example.org/ns/shop/sa/reporter", "aud": ["reports"],
        "iat": NOW.as_seconds(), "exp": NOW.as_seconds() + 300 })
}

fn spec(kind: IssuerKind) -> IssuerSpec {
    let trust_domain = (kind == IssuerKind::Spiffe).then(|| "example.org".to_owned());
    IssuerSpec { kind, trust_domain, ..IssuerSpec::default() }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const KUBE: &str = "https://kubernetes.default.svc.cluster.local";

/// The code of a refusal, or who it is.
async fn who(spec: &IssuerSpec, token: &str) -> String {
    let jwts = Jwts::new(std::slice::from_ref(spec), &web()).unwrap();
    match seen(&jwts, token, NOW).await {
        Ok(principal) => principal.identity.subject,
        Err(refusal) => refusal.why.code().to_owned(),
    }
}

#[tokio::test]
async fn a_service_account_of_a_cluster_is_a_service_and_no_more_than_that() {
    let key = key();
    let fixed = IssuerSpec { jwks_static: Some(jwks(&[&key]).to_string()), ..spec(IssuerKind::Kubernetes) };
    let granted = IssuerSpec {
        scopes: names(&["reports:read"]),
        workspaces: names(&["Shop"]),
        workloads: names(&["shop/*"]),
        ..fixed.clone()
    };
    let jwts = Jwts::new(&[granted], &web()).unwrap();
    let found = seen(&jwts, &token(&key, json!({}), &kubernetes_claims(KUBE)), NOW).await.unwrap();
    assert_eq!(found.audience, ["reports"]);
    let identity = found.identity;
    assert_eq!(identity.subject, "system:serviceaccount:shop:reporter");
    assert_eq!((identity.kind, identity.role.as_deref()), (IdentityType::Service, Some("service")));
    assert!(identity.roles.iter().eq(&["system:serviceaccounts", "system:serviceaccounts:shop"]));
    assert!(identity.scopes.iter().eq(&["reports:read"]));
    assert!(identity.workspaces.iter().eq(["shop"]));
    assert_eq!((identity.issuer.as_deref(), identity.token_id.as_deref()), (Some(KUBE), Some("t1")));

    let only = |workloads: &[&str]| IssuerSpec { workloads: names(workloads), ..fixed.clone() };
    let good = "system:serviceaccount:shop:reporter";
    for (workloads, changes, expect) in [
        (&[][..], json!({}), good),
        (&["shop/reporter"], json!({}), good),
        (&["other/*", "*/reporter"], json!({}), good),
        (&["shop/report", "sho/*", "*/r"], json!({}), "auth.invalid_issuer"),
        (&[], json!({ "kubernetes.io": null }), good),
        (&[], json!({ "sub": "system:serviceaccount:kube-system:root" }), "auth.invalid_token"),
        (&[], json!({ "kubernetes.io": { "namespace": "shop" } }), "auth.invalid_token"),
        (&[], json!({ "sub": "system:node:node-1" }), "auth.invalid_token"),
        (&[], json!({ "sub": "system:serviceaccount:shop" }), "auth.invalid_token"),
        (&[], json!({ "sub": "system:serviceaccount:shop:a:b" }), "auth.invalid_token"),
        (&[], json!({ "sub": "system:serviceaccount:shop/x:reporter" }), "auth.invalid_token"),
        (&[], json!({ "sub": null }), "auth.invalid_token"),
        (&[], json!({ "aud": null }), "auth.invalid_audience"),
        (&[], json!({ "aud": [] }), "auth.invalid_audience"),
        // As the tokens were that clusters once kept in secrets.
        (&[], json!({ "exp": null }), "auth.invalid_token"),
        (&[], json!({ "exp": NOW.as_seconds() }), "auth.token_expired"),
        (&[], json!({ "iss": "kubernetes/serviceaccount" }), "auth.invalid_issuer"),
    ] {
        let token = token(&key, json!({}), &changed(kubernetes_claims(KUBE), &changes));
        assert_eq!(who(&only(workloads), &token).await, expect, "{workloads:?} {changes}");
    }
}

#[tokio::test]
async fn accounts_of_google_are_those_that_were_named() {
    let key = key();
    let spec = IssuerSpec {
        jwks_static: Some(jwks(&[&key]).to_string()),
        workloads: names(&["*@shop.iam.gserviceaccount.com", "7-compute@developer.gserviceaccount.com"]),
        ..spec(IssuerKind::Gcp)
    };
    let good = "reporter@shop.iam.gserviceaccount.com";
    for (changes, expect) in [
        (json!({}), good),
        (
            json!({ "email": "7-compute@developer.gserviceaccount.com" }),
            "7-compute@developer.gserviceaccount.com",
        ),
        (json!({ "email": "8-compute@developer.gserviceaccount.com" }), "auth.invalid_issuer"),
        (json!({ "email": "reporter@evil.iam.gserviceaccount.com" }), "auth.invalid_issuer"),
        (json!({ "email": "reporter@shop.iam.gserviceaccount.com.evil.example" }), "auth.invalid_token"),
        (json!({ "email": "x@evil.example@shop.iam.gserviceaccount.com" }), "auth.invalid_issuer"),
        (json!({ "email": "ada@gmail.com" }), "auth.invalid_token"),
        (json!({ "email": null }), "auth.invalid_token"),
        (json!({ "email_verified": false }), "auth.invalid_token"),
        (json!({ "email_verified": "true" }), "auth.invalid_token"),
        (json!({ "at_hash": "x" }), "auth.invalid_token"),
        (json!({ "aud": null }), "auth.invalid_audience"),
        (json!({ "iss": "https://evil.example" }), "auth.invalid_issuer"),
    ] {
        let token = token(&key, json!({ "typ": "JWT" }), &changed(gcp_claims(), &changes));
        assert_eq!(who(&spec, &token).await, expect, "{changes}");
    }
    let jwts = Jwts::new(&[spec], &web()).unwrap();
    let identity = seen(&jwts, &token(&key, json!({}), &gcp_claims()), NOW).await.unwrap().identity;
    assert_eq!((identity.client_id.as_deref(), identity.email.as_deref()), (Some("1042"), Some(good)));
}

#[tokio::test]
async fn an_svid_is_of_its_trust_domain() {
    let (own, certificate, nameless) = (key(), key(), key());
    let edwards = SigningKey::generate(Alg::EdDSA).unwrap();
    let keys = [
        (&own, Some("jwt-svid")),
        (&certificate, Some("x509-svid")),
        (&nameless, None),
        (&edwards, Some("jwt-svid")),
    ];
    let only = |workloads: &[&str]| IssuerSpec {
        jwks_static: Some(bundle(&keys).to_string()),
        workloads: names(workloads),
        ..spec(IssuerKind::Spiffe)
    };
    let good = "spiffe://example.org/ns/shop/sa/reporter";
    for (workloads, typ, changes, expect) in [
        (&[][..], json!({}), json!({}), good),
        (&["spiffe://example.org/ns/shop/**"], json!({ "typ": "JOSE" }), json!({}), good),
        (&["spiffe://example.org/ns/*/sa/reporter"], json!({ "typ": "JWT" }), json!({ "iss": "any" }), good),
        (&["spiffe://example.org/ns/other/**"], json!({}), json!({}), "auth.invalid_issuer"),
        (&[], json!({ "typ": "dpop+jwt" }), json!({}), "auth.invalid_token"),
        (&[], json!({}), json!({ "sub": "spiffe://example.org" }), "auth.invalid_token"),
        (&[], json!({}), json!({ "sub": "spiffe://other.example/a" }), "auth.invalid_issuer"),
        (&[], json!({}), json!({ "sub": "spiffe://example.org/a/../b" }), "auth.invalid_issuer"),
        (&[], json!({}), json!({ "sub": "ada" }), "auth.invalid_issuer"),
        (&[], json!({}), json!({ "aud": [] }), "auth.invalid_audience"),
        (&[], json!({}), json!({ "exp": null }), "auth.invalid_token"),
    ] {
        let token = token(&own, typ.clone(), &changed(svid_claims(), &changes));
        assert_eq!(who(&only(workloads), &token).await, expect, "{workloads:?} {typ} {changes}");
    }
    for (other, why) in [
        (&certificate, "auth.invalid_token"),
        (&nameless, "auth.invalid_token"),
        (&edwards, "auth.unsupported_algorithm"),
        (&key(), "auth.invalid_token"),
    ] {
        assert_eq!(who(&only(&[]), &token(other, json!({}), &svid_claims())).await, why);
    }
    let jwts = Jwts::new(&[only(&[])], &web()).unwrap();
    let found = seen(&jwts, &token(&own, json!({}), &svid_claims()), NOW).await.unwrap();
    assert_eq!(found.identity.issuer.as_deref(), Some("spiffe://example.org"));
}

#[tokio::test]
async fn a_bundle_in_a_file_is_read_again_when_it_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.json");
    let (old, new) = (key(), key());
    let write = |text: &str| {
        let next = folder.path().join("next");
        fs::write(&next, text).unwrap();
        fs::rename(&next, &path).unwrap();
    };
    write(&bundle(&[(&old, Some("jwt-svid"))]).to_string());
    let spec = IssuerSpec { jwks_file: Some(path.clone()), ..spec(IssuerKind::Spiffe) };
    let jwts = Jwts::new(&[spec], &web()).unwrap();
    let [by_old, by_new] = [&old, &new].map(|key| token(key, json!({}), &svid_claims()));
    assert!(seen(&jwts, &by_old, NOW).await.is_ok());
    assert_eq!(seen(&jwts, &by_new, NOW).await.unwrap_err().why, Why::InvalidToken);
    let before = jwts.state();
    write(&bundle(&[(&new, Some("jwt-svid"))]).to_string());
    assert!(seen(&jwts, &by_new, NOW).await.is_ok());
    assert_eq!(seen(&jwts, &by_old, NOW).await.unwrap_err().why, Why::InvalidToken);
    assert_ne!(jwts.state(), before, "what was remembered is asked again");
    // One that is half written, or just being replaced, takes nobody's keys away; one that stays so does.
    let (whole, soon, late) = (
        bundle(&[(&new, Some("jwt-svid"))]).to_string(),
        NOW + Duration::from_secs(299),
        NOW + Duration::from_secs(300),
    );
    for is_there in [true, false] {
        write("{");
        if !is_there {
            fs::remove_file(&path).unwrap();
        }
        for now in [NOW, soon] {
            assert!(seen(&jwts, &by_new, now).await.is_ok());
        }
        let before = jwts.state();
        for now in [late, NOW] {
            assert_eq!(seen(&jwts, &by_new, now).await.unwrap_err().why, Why::KeyUnavailable);
        }
        assert_ne!(jwts.state(), before, "what was remembered is asked again");
        write(&whole);
        assert!(seen(&jwts, &by_new, NOW).await.is_ok());
    }
}

#[test]
fn what_makes_no_sense_of_workloads_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let keys = || Some(jwks(&[&key()]).to_string());
    let fixed = |kind| IssuerSpec {
        jwks_static: keys(),
        workloads: names(&["a@b.gserviceaccount.com"]),
        ..spec(kind)
    };
    let of = |kind, workloads: &[&str]| IssuerSpec { workloads: names(workloads), ..fixed(kind) };
    let jwt = || IssuerSpec {
        issuer: names(&["https://id.example"]),
        jwks_static: keys(),
        ..IssuerSpec::default()
    };
    let far = || IssuerSpec { issuer: names(&["https://id.example"]), ..IssuerSpec::default() };
    let svid = || IssuerSpec {
        jwks_static: Some(bundle(&[(&key(), Some("jwt-svid"))]).to_string()),
        ..spec(IssuerKind::Spiffe)
    };
    for (spec, field) in [
        // Not in a pod.
        (spec(Kubernetes), "ca_file"),
        (IssuerSpec { token_file: Some("/nowhere".into()), ..far() }, "token_file"),
        (IssuerSpec { token_file: Some(file("empty", "\n")), ..far() }, "token_file"),
        (IssuerSpec { ca_file: Some(file("no.pem", "PEM")), ..far() }, "ca_file"),
        (IssuerSpec { ca_file: Some(file("ca.pem", "-----BEGIN CERTIFICATE-----")), ..jwt() }, "ca_file"),
        (of(Kubernetes, &["reporter"]), "workloads"),
        (of(Kubernetes, &["shop/re*"]), "workloads"),
        (of(Gcp, &[]), "workloads"),
        (of(Gcp, &["*"]), "workloads"),
        (of(Gcp, &["*@gmail.com"]), "workloads"),
        (of(Gcp, &["ada@gmail.com"]), "workloads"),
        (of(Gcp, &["*@developer.gserviceaccount.com"]), "workloads"),
        (of(Gcp, &["*@.iam.gserviceaccount.com"]), "workloads"),
        (IssuerSpec { any_audience: true, ..fixed(Gcp) }, "any_audience"),
        (
            IssuerSpec { jwt_secret: Some(SecretText::from("x".repeat(32).as_str())), ..fixed(Gcp) },
            "jwt_secret",
        ),
        (IssuerSpec { trust_domain: None, ..svid() }, "trust_domain"),
        (IssuerSpec { trust_domain: Some("Example.org".to_owned()), ..svid() }, "trust_domain"),
        (IssuerSpec { trust_domain: Some("example.org/a".to_owned()), ..svid() }, "trust_domain"),
        (IssuerSpec { issuer: names(&["https://id.example"]), ..svid() }, "issuer"),
        (spec(Spiffe), "jwks_file"),
        (IssuerSpec { jwks_file: Some("/nowhere".into()), ..spec(Spiffe) }, "jwks_file"),
        (IssuerSpec { jwks_file: Some(file("set.json", &keys().unwrap())), ..spec(Spiffe) }, "jwks_file"),
        (IssuerSpec { jwks_file: Some("/nowhere".into()), ..svid() }, "jwks_file"),
        (IssuerSpec { workloads: names(&["spiffe://other.example/**"]), ..svid() }, "workloads"),
        (IssuerSpec { workloads: names(&["spiffe://example.org"]), ..svid() }, "workloads"),
        (IssuerSpec { allowed_algorithms: names(&["EdDSA"]), ..svid() }, "allowed_algorithms"),
        (IssuerSpec { scopes: names(&["a:b"]), ..jwt() }, "scopes"),
        (IssuerSpec { trust_domain: Some("example.org".to_owned()), ..jwt() }, "trust_domain"),
    ] {
        let shown = format!("{spec:?}");
        assert_eq!(Jwts::new(&[spec], &web()).err().map(|wrong| wrong.field), Some(field), "{shown}");
    }
}
