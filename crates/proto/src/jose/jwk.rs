//! Public keys as JSON (RFC 7517, 7518 6, 8037 2) and their thumbprints (RFC 7638).
//!
//! A [`Jwk`] is always public: a private member or a symmetric key is refused wherever one is read,
//! so that nobody's private key is ever stored or published by mistake.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{Alg, JoseError, decode_base64url, encode_base64url, sha256_base64url};
use crate::json::{self, Limits};

/// Members that only private or symmetric keys have (RFC 7518 6.2.2, 6.3.2, 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const MAX_KID: usize = 256;
const MAX_KEYS: usize = 100;
const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 5 };

/// A public signature key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    /// The key's name, for look-up only.
    pub kid: Option<String>,
    pub(super) material: Material,
}

/// The numbers of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256 { x: [u8; 32], y: [u8; 32] },
    Ed25519 { x: [u8; 32] },
}

impl Jwk {
    /// Reads one public key from JSON text.
    pub fn parse(bytes: &[u8]) -> Result<Self, JoseError> {
        let members = json::parse_object(bytes, LIMITS).map_err(|_| JoseError::Key("not a JSON object"))?;
        Self::from_members(&members)
    }

    /// Reads one public key from a JSON object.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, JoseError> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let kty = text("kty").ok_or(JoseError::Key("kty is missing"))?;
        if kty == "oct" || PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err(JoseError::PrivateKey);
        }
        let number = |name: &str| {
            let value = text(name).ok_or(JoseError::Key("a member is missing"))?;
            decode_base64url(value.as_bytes()).map_err(|_| JoseError::Key("a member is not base64url"))
        };
        let coordinate = |name: &str| -> Result<[u8; 32], JoseError> {
            number(name)?.try_into().map_err(|_| JoseError::Key("a coordinate is not 32 bytes"))
        };
        let material = match (kty, text("crv")) {
            ("RSA", _) => rsa(number("n")?, number("e")?)?,
            ("EC", Some("P-256")) => Material::P256 { x: coordinate("x")?, y: coordinate("y")? },
            ("OKP", Some("Ed25519")) => Material::Ed25519 { x: coordinate("x")? },
            _ => return Err(JoseError::Key("this kind of key is not supported")),
        };
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= MAX_KID => Some(kid.clone()),
            Some(_) => return Err(JoseError::Key("kid is not a short text")),
        };
        let jwk = Self { kid, material };
        if members.get("use").is_some_and(|word| word != "sig") {
            return Err(JoseError::Key("not a signature key"));
        }
        match members.get("alg") {
            Some(alg) if alg != jwk.alg().as_str() => Err(JoseError::Key("alg does not fit the key")),
            _ => Ok(jwk),
        }
    }

    /// The one algorithm this key is for.
    pub const fn alg(&self) -> Alg {
        match self.material {
            Material::Rsa { .. } => Alg::RS256,
            Material::P256 { .. } => Alg::ES256,
            Material::Ed25519 { .. } => Alg::EdDSA,
        }
    }

    /// The RFC 7638 thumbprint (SHA-256, base64url): 43 characters.
    pub fn thumbprint(&self) -> String {
        // The required members only, in lexicographic order, without white space.
        let canonical = match &self.material {
            Material::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode_base64url(e), encode_base64url(n))
            }
            Material::P256 { x, y } => format!(
                r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
                encode_base64url(x),
                encode_base64url(y)
            ),
            Material::Ed25519 { x } => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode_base64url(x))
            }
        };
        sha256_base64url(canonical.as_bytes())
    }
}

fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Material, JoseError> {
    let bits = match n.first() {
        None | Some(0) => return Err(JoseError::Key("the modulus has a leading zero")),
        Some(first) => n.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0),
    };
    // Larger moduli only serve to make verification slow.
    if !(2048..=8192).contains(&bits) {
        return Err(JoseError::Key("the modulus is not of 2048 to 8192 bits"));
    }
    let odd = e.last().is_some_and(|last| last % 2 == 1);
    if !odd || e.first() == Some(&0) || e.len() > 4 || e == [1] {
        return Err(JoseError::Key("the exponent is not acceptable"));
    }
    Ok(Material::Rsa { n, e })
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        match &self.material {
            Material::Rsa { n, e } => {
                map.serialize_entry("kty", "RSA")?;
                map.serialize_entry("n", &encode_base64url(n))?;
                map.serialize_entry("e", &encode_base64url(e))?;
            }
            Material::P256 { x, y } => {
                map.serialize_entry("kty", "EC")?;
                map.serialize_entry("crv", "P-256")?;
                map.serialize_entry("x", &encode_base64url(x))?;
                map.serialize_entry("y", &encode_base64url(y))?;
            }
            Material::Ed25519 { x } => {
                map.serialize_entry("kty", "OKP")?;
                map.serialize_entry("crv", "Ed25519")?;
                map.serialize_entry("x", &encode_base64url(x))?;
            }
        }
        map.serialize_entry("use", "sig")?;
        map.serialize_entry("alg", self.alg().as_str())?;
        if let Some(kid) = &self.kid {
            map.serialize_entry("kid", kid)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let members = Map::deserialize(from)?;
        Self::from_members(&members).map_err(D::Error::custom)
    }
}

/// A set of public signature keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Jwks {
    /// The keys, in the order given.
    pub keys: Vec<Jwk>,
}

impl Jwks {
    /// Reads a set from outside. Keys of unknown kinds or for other uses are left out (RFC 7517 5); a
    /// private or symmetric key makes the whole set bad.
    pub fn parse(bytes: &[u8]) -> Result<Self, JoseError> {
        let members = json::parse_object(bytes, LIMITS).map_err(|_| JoseError::Key("not a JSON object"))?;
        Self::from_members(&members)
    }

    fn from_members(members: &Map<String, Value>) -> Result<Self, JoseError> {
        let Some(Value::Array(items)) = members.get("keys") else {
            return Err(JoseError::Key("keys is missing"));
        };
        if items.len() > MAX_KEYS {
            return Err(JoseError::Key("too many keys"));
        }
        let mut keys = Vec::new();
        for item in items {
            let members = item.as_object().ok_or(JoseError::Key("a key is not an object"))?;
            match Jwk::from_members(members) {
                Ok(key) => keys.push(key),
                Err(JoseError::PrivateKey) => return Err(JoseError::PrivateKey),
                Err(_) => {}
            }
        }
        Ok(Self { keys })
    }
}

impl<'de> Deserialize<'de> for Jwks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let members = Map::deserialize(from)?;
        Self::from_members(&members).map_err(D::Error::custom)
    }
}
