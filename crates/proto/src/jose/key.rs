//! Keys that sign and keys that verify, each bound to one algorithm and parsed once.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self as lc, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair, RsaParameters,
        RsaPublicKeyComponents,
    },
};
use zeroize::Zeroizing;

use super::{
    Alg, JoseError, Jwk, Typ,
    jwk::Material,
    jws::{encode_header, sign_encoded},
};

/// A private key that signs with one algorithm.
pub struct SigningKey {
    pair: Pair,
    jwk: Jwk,
    kid: String,
    /// The encoded header for each [`Typ`], made once.
    headers: [String; Typ::ALL.len()],
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// A new key from the library's own generator. Its name is its thumbprint.
    pub fn generate(alg: Alg) -> Result<Self, JoseError> {
        Self::from_pair(match alg {
            Alg::RS256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).map_err(library)?),
            Alg::ES256 => {
                Pair::Ec(EcdsaKeyPair::generate(&lc::ECDSA_P256_SHA256_FIXED_SIGNING).map_err(library)?)
            }
            Alg::EdDSA => Pair::Ed(Ed25519KeyPair::generate().map_err(library)?),
            _ => return Err(JoseError::Algorithm),
        })
    }

    /// Reads a PKCS#8 private key of the given algorithm. Its name is its thumbprint.
    pub fn from_pkcs8(alg: Alg, der: &[u8]) -> Result<Self, JoseError> {
        let refused = JoseError::Key("not a PKCS#8 key of this algorithm");
        Self::from_pair(match alg {
            Alg::RS256 => Pair::Rsa(RsaKeyPair::from_pkcs8(der).map_err(|_| refused)?),
            Alg::ES256 => Pair::Ec(
                EcdsaKeyPair::from_pkcs8(&lc::ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| refused)?,
            ),
            Alg::EdDSA => Pair::Ed(Ed25519KeyPair::from_pkcs8(der).map_err(|_| refused)?),
            _ => return Err(JoseError::Algorithm),
        })
    }

    fn from_pair(pair: Pair) -> Result<Self, JoseError> {
        let mut jwk = Jwk::of(pair.public()?);
        let kid = jwk.thumbprint();
        jwk.kid = Some(kid.clone());
        let headers = headers(jwk.alg(), &kid);
        Ok(Self { pair, jwk, kid, headers })
    }

    /// The same key under another name.
    #[must_use]
    pub fn with_kid(mut self, kid: &str) -> Self {
        kid.clone_into(&mut self.kid);
        self.jwk.kid = Some(kid.to_owned());
        self.headers = headers(self.alg(), kid);
        self
    }

    /// The private key as PKCS#8, to be sealed and stored.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, JoseError> {
        let der = match &self.pair {
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map_err(library)?.as_ref().to_vec(),
            Pair::Ec(pair) => pair.to_pkcs8v1().map_err(library)?.as_ref().to_vec(),
            Pair::Ed(pair) => pair.to_pkcs8v1().map_err(library)?.as_ref().to_vec(),
        };
        Ok(Zeroizing::new(der))
    }

    /// The algorithm.
    pub fn alg(&self) -> Alg {
        self.jwk.alg()
    }

    /// The name that goes into headers.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, with `kid`, `use` and `alg`.
    pub const fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The public half, ready to verify.
    pub fn verifying_key(&self) -> Result<VerifyingKey, JoseError> {
        VerifyingKey::from_jwk(&self.jwk)
    }

    /// A compact token of the given kind over claims that are JSON already. The fast path: the header
    /// is encoded beforehand and the token is built in one buffer.
    pub fn sign_jwt(&self, typ: Typ, claims: &[u8]) -> Result<String, JoseError> {
        let place = typ as usize;
        let header = self.headers.get(place).ok_or(JoseError::Library)?;
        sign_encoded(self, header, claims)
    }

    /// The length of a signature in bytes.
    pub(super) fn signature_len(&self) -> usize {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_modulus_len(),
            Pair::Ec(_) | Pair::Ed(_) => 64,
        }
    }

    /// Signs bytes and hands the signature to `then`.
    pub(super) fn sign_with<T>(&self, message: &[u8], then: impl FnOnce(&[u8]) -> T) -> Result<T, JoseError> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut buffer = vec![0; pair.public_modulus_len()];
                pair.sign(&lc::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut buffer)
                    .map_err(library)?;
                Ok(then(&buffer))
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(library)?;
                Ok(then(signature.as_ref()))
            }
            Pair::Ed(pair) => Ok(then(pair.try_sign(message).map_err(library)?.as_ref())),
        }
    }
}

fn headers(alg: Alg, kid: &str) -> [String; Typ::ALL.len()] {
    Typ::ALL.map(|typ| encode_header(alg, typ.as_str(), kid))
}

fn library(_: aws_lc_rs::error::Unspecified) -> JoseError {
    JoseError::Library
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("alg", &self.alg()).field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Pair {
    fn public(&self) -> Result<Material, JoseError> {
        match self {
            Self::Rsa(pair) => {
                let components = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                Ok(Material::Rsa { n: components.n, e: components.e })
            }
            Self::Ec(pair) => match pair.public_key().as_ref().split_first_chunk::<33>() {
                Some(([4, x @ ..], y)) => {
                    Ok(Material::P256 { x: *x, y: y.try_into().map_err(|_| JoseError::Library)? })
                }
                _ => Err(JoseError::Library),
            },
            Self::Ed(pair) => {
                let x = pair.public_key().as_ref().try_into().map_err(|_| JoseError::Library)?;
                Ok(Material::Ed25519 { x })
            }
        }
    }
}

/// A public key that verifies one algorithm.
#[derive(Clone)]
pub struct VerifyingKey {
    alg: Alg,
    kid: Option<String>,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Parses the key, once.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, JoseError> {
        Self::for_alg(jwk, jwk.alg())
    }

    /// Parses the key for one of its algorithms.
    pub(super) fn for_alg(jwk: &Jwk, alg: Alg) -> Result<Self, JoseError> {
        let refused = |_| JoseError::Key("not a valid public key");
        let ec =
            |scheme, x: &[u8], y: &[u8]| ParsedPublicKey::new(scheme, [&[4], x, y].concat()).map_err(refused);
        let key = match &jwk.material {
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(rsa(alg)?).map_err(refused)?
            }
            Material::P256 { x, y } => ec(&lc::ECDSA_P256_SHA256_FIXED, x, y)?,
            Material::P384 { x, y } => ec(&lc::ECDSA_P384_SHA384_FIXED, x, y)?,
            Material::P521 { x, y } => ec(&lc::ECDSA_P521_SHA512_FIXED, x, y)?,
            Material::Ed25519 { x } => ParsedPublicKey::new(&lc::ED25519, x).map_err(refused)?,
        };
        Ok(Self { alg, kid: jwk.kid.clone(), key })
    }

    /// The algorithm.
    pub const fn alg(&self) -> Alg {
        self.alg
    }

    /// The key's name.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether the signature is this key's.
    pub(super) fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        self.key.verify_sig(message, signature).map_err(|_| JoseError::Signature)
    }
}

/// How signatures of an RSA key are checked. Salts of PSS are as long as the hash (RFC 7518 3.5).
fn rsa(alg: Alg) -> Result<&'static RsaParameters, JoseError> {
    match alg {
        Alg::RS256 => Ok(&lc::RSA_PKCS1_2048_8192_SHA256),
        Alg::RS384 => Ok(&lc::RSA_PKCS1_2048_8192_SHA384),
        Alg::RS512 => Ok(&lc::RSA_PKCS1_2048_8192_SHA512),
        Alg::PS256 => Ok(&lc::RSA_PSS_2048_8192_SHA256),
        Alg::PS384 => Ok(&lc::RSA_PSS_2048_8192_SHA384),
        Alg::PS512 => Ok(&lc::RSA_PSS_2048_8192_SHA512),
        Alg::ES256 | Alg::ES384 | Alg::ES512 | Alg::EdDSA => Err(JoseError::Algorithm),
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("alg", &self.alg).field("kid", &self.kid).finish_non_exhaustive()
    }
}
