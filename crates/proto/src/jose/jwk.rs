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
    /// What it is for, where whoever has published it says so, or its type leaves no choice.
    alg: Option<Alg>,
}

/// The numbers of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256 { x: [u8; 32], y: [u8; 32] },
    Ed25519 { x: [u8; 32] },
    P384 { x: [u8; 48], y: [u8; 48] },
    P521 { x: [u8; 66], y: [u8; 66] },
}

impl Material {
    /// What a key of this type can be for; first what it is for here.
    const fn algorithms(&self) -> &'static [Alg] {
        match self {
            Self::Rsa { .. } => &[Alg::RS256, Alg::PS256, Alg::PS384, Alg::PS512, Alg::RS384, Alg::RS512],
            Self::P256 { .. } => &[Alg::ES256],
            Self::Ed25519 { .. } => &[Alg::EdDSA],
            Self::P384 { .. } => &[Alg::ES384],
            Self::P521 { .. } => &[Alg::ES512],
        }
    }

    /// The members that its type requires. Their values are names and base64url: none needs escaping.
    fn members(&self) -> Vec<(&'static str, String)> {
        let ec = |crv: &str, x: &[u8], y: &[u8]| {
            let (x, y) = (encode_base64url(x), encode_base64url(y));
            vec![("kty", "EC".to_owned()), ("crv", crv.to_owned()), ("x", x), ("y", y)]
        };
        match self {
            Self::Rsa { n, e } => {
                vec![("kty", "RSA".to_owned()), ("n", encode_base64url(n)), ("e", encode_base64url(e))]
            }
            Self::P256 { x, y } => ec("P-256", x, y),
            Self::P384 { x, y } => ec("P-384", x, y),
            Self::P521 { x, y } => ec("P-521", x, y),
            Self::Ed25519 { x } => {
                vec![("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", encode_base64url(x))]
            }
        }
    }
}

/// Whose keys are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Our own and our clients': for one algorithm of [`Alg::ALL`] each.
    Ours,
    /// Another issuer's: for any of [`Alg::FOREIGN`].
    Foreign,
}

impl Jwk {
    /// Reads one public key from JSON text.
    pub fn parse(bytes: &[u8]) -> Result<Self, JoseError> {
        let members = json::parse_object(bytes, LIMITS).map_err(|_| JoseError::Key("not a JSON object"))?;
        Self::from_members(&members)
    }

    /// Reads one public key from a JSON object.
    pub fn from_members(members: &Map<String, Value>) -> Result<Self, JoseError> {
        Self::read(members, Whose::Ours)
    }

    /// One without a name, for what its type is for here.
    pub(super) fn of(material: Material) -> Self {
        let alg = material.algorithms().first().copied();
        Self { kid: None, material, alg }
    }

    fn read(members: &Map<String, Value>, whose: Whose) -> Result<Self, JoseError> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let kty = text("kty").ok_or(JoseError::Key("kty is missing"))?;
        if kty == "oct" || PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err(JoseError::PrivateKey);
        }
        let number = |name: &str| {
            let value = text(name).ok_or(JoseError::Key("a member is missing"))?;
            decode_base64url(value.as_bytes()).map_err(|_| JoseError::Key("a member is not base64url"))
        };
        let material = match (kty, text("crv")) {
            ("RSA", _) => rsa(number("n")?, number("e")?)?,
            ("EC", Some("P-256")) => Material::P256 { x: sized(number("x")?)?, y: sized(number("y")?)? },
            ("OKP", Some("Ed25519")) => Material::Ed25519 { x: sized(number("x")?)? },
            ("EC", Some("P-384")) => Material::P384 { x: sized(number("x")?)?, y: sized(number("y")?)? },
            ("EC", Some("P-521")) => Material::P521 { x: sized(number("x")?)?, y: sized(number("y")?)? },
            _ => return Err(JoseError::Key("this kind of key is not supported")),
        };
        let kid = match members.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= MAX_KID => Some(kid.clone()),
            Some(_) => return Err(JoseError::Key("kid is not a short text")),
        };
        if members.get("use").is_some_and(|word| word != "sig") {
            return Err(JoseError::Key("not a signature key"));
        }
        let known: &[Alg] = if whose == Whose::Ours { &Alg::ALL } else { &Alg::FOREIGN };
        let mut possible = material.algorithms().iter().copied().filter(|alg| known.contains(alg));
        let alg = match members.get("alg") {
            Some(name) => {
                let named = possible.find(|alg| name == alg.as_str());
                Some(named.ok_or(JoseError::Key("alg does not fit the key"))?)
            }
            None => match (possible.next(), possible.next()) {
                (None, _) => return Err(JoseError::Key("this kind of key is not supported")),
                (one, None) => one,
                (_, Some(_)) => None,
            },
        };
        Ok(Self { kid, material, alg })
    }

    /// The algorithm this key is for; the first, of another issuer's that does not say.
    pub fn alg(&self) -> Alg {
        self.algorithms().first().copied().unwrap_or(Alg::RS256)
    }

    /// The algorithms this key is for: one, unless another issuer's does not say.
    pub(super) fn algorithms(&self) -> &[Alg] {
        match &self.alg {
            Some(alg) => std::slice::from_ref(alg),
            None => self.material.algorithms(),
        }
    }

    /// The RFC 7638 thumbprint (SHA-256, base64url): 43 characters.
    pub fn thumbprint(&self) -> String {
        // The required members only, in lexicographic order, without white space.
        let mut members = self.material.members();
        members.sort_unstable();
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
        sha256_base64url(format!("{{{}}}", members.join(",")).as_bytes())
    }
}

fn sized<const N: usize>(number: Vec<u8>) -> Result<[u8; N], JoseError> {
    number.try_into().map_err(|_| JoseError::Key("a coordinate is not of the size of its curve"))
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
        for (name, value) in self.material.members() {
            map.serialize_entry(name, &value)?;
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
        Self::read(&members, Whose::Ours)
    }

    /// Reads the set of another issuer, who may sign with any of [`Alg::FOREIGN`]. An RSA key that does not say
    /// what it is for is for every algorithm of its type (RFC 7517 4.4).
    pub fn parse_foreign(bytes: &[u8]) -> Result<Self, JoseError> {
        let members = json::parse_object(bytes, LIMITS).map_err(|_| JoseError::Key("not a JSON object"))?;
        Self::read(&members, Whose::Foreign)
    }

    fn read(members: &Map<String, Value>, whose: Whose) -> Result<Self, JoseError> {
        let Some(Value::Array(items)) = members.get("keys") else {
            return Err(JoseError::Key("keys is missing"));
        };
        if items.len() > MAX_KEYS {
            return Err(JoseError::Key("too many keys"));
        }
        let mut keys = Vec::new();
        for item in items {
            let members = item.as_object().ok_or(JoseError::Key("a key is not an object"))?;
            match Jwk::read(members, whose) {
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
        Self::read(&members, Whose::Ours).map_err(D::Error::custom)
    }
}
