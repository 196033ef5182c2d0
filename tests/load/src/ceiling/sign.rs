//! JWTs of about 900 bytes, signed by keys that are parsed once.

use anyhow::{Result, anyhow};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey, RSA_PKCS1_SHA256,
    },
};
use data_encoding::BASE64URL_NOPAD;

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alg {
    Es256,
    Rs256,
}

/// Claims that every real token has and that nobody here reads.
const CLAIMS: &str = r#""auth_time":1790000000,"acr":"urn:doorward:pwd","amr":["pwd"],"sid":"ses_01jdcz7k8m4nqw9v3x2t6r5y1a","tenant_id":"org_01jdcz7k8m4nqw9v3x2t6r5y1b","org_role":"member","roles":["reader","writer"],"permissions":["documents:read","documents:write"],"role":"user","workspace_ids":["ws-analytics"],"token_use":"user","grant_id":"gra_01jdcz7k8m4nqw9v3x2t6r5y1c""#;

/// The keys of the server.
pub(super) struct Signer {
    es256: EcdsaKeyPair,
    es256_public: ParsedPublicKey,
    rs256: rsa::KeyPair,
    random: SystemRandom,
    jwks: String,
}

impl Signer {
    pub(super) fn new() -> Result<Self> {
        let failed = |_| anyhow!("cannot make a key");
        let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let rs256 = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?;
        let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let point = es256.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        let public = rs256.public_key();
        let jwks = format!(
            concat!(
                r#"{{"keys":[{{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"es256","#,
                r#""x":"{x}","y":"{y}"}},{{"kty":"RSA","alg":"RS256","use":"sig","kid":"rs256","#,
                r#""e":"{e}","n":"{n}"}}]}}"#
            ),
            x = encode(x),
            y = encode(y),
            e = encode(public.exponent().big_endian_without_leading_zero()),
            n = encode(public.modulus().big_endian_without_leading_zero()),
        );
        let es256_public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, es256.public_key().as_ref())
            .map_err(|_| anyhow!("cannot read a key"))?;
        Ok(Self { es256, es256_public, rs256, random: SystemRandom::new(), jwks })
    }

    pub(super) fn jwks(&self) -> &str {
        &self.jwks
    }

    /// Whether this is our signature of these bytes.
    pub(super) fn verifies_es256(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.es256_public.verify_sig(signed, signature).is_ok()
    }

    pub(super) fn token(&self, alg: Alg, typ: &str, own: &str) -> Result<String> {
        let (name, kid) = match alg {
            Alg::Es256 => ("ES256", "es256"),
            Alg::Rs256 => ("RS256", "rs256"),
        };
        let header = format!(r#"{{"alg":"{name}","typ":"{typ}","kid":"{kid}"}}"#);
        let payload = format!("{{{own},{CLAIMS}}}");
        let mut token = String::with_capacity(1100);
        BASE64URL_NOPAD.encode_append(header.as_bytes(), &mut token);
        token.push('.');
        BASE64URL_NOPAD.encode_append(payload.as_bytes(), &mut token);
        let failed = |_| anyhow!("cannot sign");
        match alg {
            Alg::Es256 => {
                let signature = self.es256.sign(&self.random, token.as_bytes()).map_err(failed)?;
                token.push('.');
                BASE64URL_NOPAD.encode_append(signature.as_ref(), &mut token);
            }
            Alg::Rs256 => {
                let mut signature = [0; 256];
                self.rs256
                    .sign(&RSA_PKCS1_SHA256, &self.random, token.as_bytes(), &mut signature)
                    .map_err(failed)?;
                token.push('.');
                BASE64URL_NOPAD.encode_append(&signature, &mut token);
            }
        }
        Ok(token)
    }
}
