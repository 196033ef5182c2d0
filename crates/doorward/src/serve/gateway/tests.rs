use doorward_sdk::server::certificate::ClientCertificate;
use doorward_web::surface::wire_of;

use super::{providers::is_ours, *};

mod console;

/// One registry of codes: what the gateway says has its page, its status and its explanation there.
#[test]
fn every_refusal_of_the_gateway_is_a_code_of_the_server() {
    for why in Why::ALL {
        let code = Code::ALL.iter().find(|code| code.name() == why.code());
        let code = *code.unwrap_or_else(|| panic!("{} is no code", why.code()));
        assert_eq!(wire_of(code).status.as_u16(), why.class().status(), "{}", why.code());
    }
}

#[test]
fn only_what_we_have_made_is_ours_to_refuse() {
    let jwt = |claims: &str| {
        let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), part(claims), part("signature"))
    };
    let issuer = "https://id.example";
    for (token, expect) in [
        (jwt(r#"{"iss":"https://id.example"}"#), true),
        (jwt(r#"{"iss":"https://id.example/"}"#), false),
        (jwt(r#"{"iss":"https://other.example"}"#), false),
        (jwt(r#"{"sub":"x"}"#), false),
        (jwt("no claims"), false),
        ("dw_at_x".to_owned(), false),
        ("some-key".to_owned(), false),
        (String::new(), false),
    ] {
        assert_eq!(is_ours(&token, issuer), expect, "{token}");
    }
}

fn certificate(name: &str) -> Vec<u8> {
    let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[test]
fn a_certificate_is_the_client_s_own_or_told_by_who_is_trusted() {
    let (own, told) = (certificate("own.example"), certificate("told.example"));
    let own = ClientCertificate::read(&own).map(Arc::new);
    let header = format!(":{}:", data_encoding::BASE64.encode(&told));
    let told = ClientCertificate::read(&told).map(Arc::new);
    let config = |header: &str| {
        let flags = vec![("tls.client_cert_header".to_owned(), header.to_owned())];
        let sources = crate::config::Sources { flags, ..Default::default() };
        crate::config::Loaded::read(&sources, &crate::config::Environment::default()).unwrap().config
    };
    let (own, told) = (Some(own), Some(told));
    for (setting, is_trusted, is_shown, is_told, path, expect) in [
        ("off", false, true, true, "/reports", &own),
        ("off", true, true, true, "/reports", &own),
        ("off", false, false, true, "/reports", &None),
        ("off", true, false, true, "/reports", &None),
        ("client-cert", false, true, true, "/reports", &own),
        ("client-cert", false, false, true, "/reports", &None),
        ("client-cert", true, true, true, "/reports", &told),
        ("client-cert", true, true, false, "/reports", &None),
        ("client-cert", true, false, true, "/validate", &told),
        ("xfcc", true, false, true, "/validate", &None),
        // A proxy's own certificate is not its clients'; a client that asks about itself is another thing.
        ("off", true, true, false, "/validate", &None),
        ("off", true, true, false, "/envoy/check/reports", &None),
        ("off", false, true, false, "/validate", &own),
    ] {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if is_told {
            request.headers_mut().insert("client-cert", header.parse().unwrap());
        }
        if is_trusted {
            request.extensions_mut().insert(MayDescribe);
        }
        if let Some(own) = own.clone().filter(|_| is_shown) {
            request.extensions_mut().insert(own);
        }
        let env = Env::system(doorward_core::env::no_fetch());
        let origin = Origins::new(&config(setting), env, true).of(&request);
        assert_eq!(&origin.certificate, expect, "{setting} {is_trusted} {is_shown} {is_told} {path}");
    }
}
