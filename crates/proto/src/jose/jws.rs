//! Compact signatures (RFC 7515 7.1): made, taken apart, verified.
//!
//! A token is first taken apart into [`Unverified`], which only offers what is needed to find the
//! key, and becomes [`Verified`] through one key of one algorithm.

use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Alg, JoseError, SigningKey, Typ, VerifyingKey, decode_base64url};
use crate::json::{self, Limits};

/// The longest token that is read, unless the caller sets less.
pub const MAX_TOKEN: usize = 16 * 1024;
pub(super) const MAX_HEADER: usize = 4 * 1024;
const MAX_KID: usize = 256;
const HEADER_LIMITS: Limits = Limits { bytes: MAX_HEADER, depth: 4 };
pub(super) const CLAIMS_LIMITS: Limits = Limits { bytes: MAX_TOKEN, depth: 16 };

/// What a token says of itself. Only `alg`, `typ` and `kid` are ever used, `jwk` by DPoP and `signer` for tokens of
/// load balancers; `jku`, `x5u`, `x5c` and all others are not even kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The algorithm, which must be the key's own.
    pub alg: Alg,
    /// The kind of token.
    pub typ: Option<String>,
    /// Which key to look up.
    pub kid: Option<String>,
    /// Which load balancer says that it has signed.
    pub signer: Option<String>,
    /// The key inside a DPoP proof.
    pub(crate) jwk: Option<Map<String, Value>>,
}

impl Header {
    fn read(mut members: Map<String, Value>, known: &[Alg]) -> Result<Self, JoseError> {
        let named = members.get("alg").and_then(Value::as_str);
        let alg = known.iter().copied().find(|alg| Some(alg.as_str()) == named);
        let alg = alg.ok_or(JoseError::Algorithm)?;
        let (typ, kid) = (text_member(&mut members, "typ")?, text_member(&mut members, "kid")?);
        let jwk = match members.remove("jwk") {
            Some(Value::Object(jwk)) => Some(jwk),
            _ => None,
        };
        let signer = members.get("signer").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { alg, typ, kid, signer, jwk })
    }

    /// Whether the token says to be of this kind.
    pub fn is(&self, typ: Typ) -> bool {
        self.typ.as_deref().is_some_and(|text| typ.matches(text))
    }
}

/// The members of an encoded header. One that asks for extensions is refused.
pub(super) fn header_members(encoded: &str, limit: usize) -> Result<Map<String, Value>, JoseError> {
    if encoded.len() > limit {
        return Err(JoseError::TooLarge);
    }
    members_of(&decode_base64url(encoded.as_bytes())?)
}

fn members_of(bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    let members = json::parse_object(bytes, HEADER_LIMITS).map_err(|_| JoseError::Malformed)?;
    // RFC 7797: an unencoded payload would change what is signed.
    if members.contains_key("crit") || members.contains_key("b64") {
        return Err(JoseError::Critical);
    }
    Ok(members)
}

/// A short text of a header.
pub(super) fn text_member(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, JoseError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_KID => Ok(Some(text)),
        Some(_) => Err(JoseError::Malformed),
    }
}

/// The algorithm that a compact token names, whether it exists here or not: to tell why it is refused, and
/// whose token it may be. Nothing is believed for it.
///
/// # Errors
/// `Malformed` for what is no compact token.
pub fn named_algorithm(token: &str) -> Result<String, JoseError> {
    let mut parts = token.split('.');
    let header = parts.next().ok_or(JoseError::Malformed)?;
    if parts.count() != 2 {
        return Err(JoseError::Malformed);
    }
    let mut members = header_members(header, MAX_HEADER)?;
    text_member(&mut members, "alg")?.ok_or(JoseError::Algorithm)
}

/// Reads the parts of a token.
type Decode = fn(&[u8]) -> Result<Vec<u8>, JoseError>;

/// A well-formed token whose signature has not been checked. Nothing in it can be believed.
#[derive(Debug, Clone)]
pub struct Unverified<'t> {
    header: Header,
    signing_input: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Unverified<'t> {
    /// Takes a compact token apart, up to [`MAX_TOKEN`] bytes.
    pub fn decode(token: &'t str) -> Result<Self, JoseError> {
        Self::decode_within(token, MAX_TOKEN)
    }

    /// Takes a compact token of at most `limit` bytes apart.
    pub fn decode_within(token: &'t str, limit: usize) -> Result<Self, JoseError> {
        Self::decode_known(token, limit, &Alg::ALL)
    }

    /// Takes a compact token of another issuer apart, which may be signed with any of [`Alg::FOREIGN`].
    pub fn decode_foreign(token: &'t str) -> Result<Self, JoseError> {
        Self::decode_known(token, MAX_TOKEN, &Alg::FOREIGN)
    }

    /// The same for one whose parts may be filled up with `=`, as load balancers of AWS write them: that is what
    /// they sign.
    pub fn decode_padded(token: &'t str) -> Result<Self, JoseError> {
        Self::decode_parts(token, MAX_TOKEN, (&Alg::FOREIGN, padded))
    }

    fn decode_known(token: &'t str, limit: usize, known: &[Alg]) -> Result<Self, JoseError> {
        Self::decode_parts(token, limit, (known, decode_base64url))
    }

    fn decode_parts(
        token: &'t str,
        limit: usize,
        (known, decode): (&[Alg], Decode),
    ) -> Result<Self, JoseError> {
        if token.len() > limit {
            return Err(JoseError::TooLarge);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JoseError::Malformed)?;
        // A fourth part would put a dot into the payload, which base64url then refuses.
        if header.len() > MAX_HEADER {
            return Err(JoseError::TooLarge);
        }
        let header = Header::read(members_of(&decode(header.as_bytes())?)?, known)?;
        let payload = decode(payload.as_bytes())?;
        let signature = decode(signature.as_bytes())?;
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The claims of a token that nobody has vouched for: for finding out whose keys to fetch, or for
    /// a hint that is checked by other means.
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        json::parse(&self.payload, CLAIMS_LIMITS).map_err(|_| JoseError::Malformed)
    }

    /// Checks the signature with a key; the header's algorithm must be the key's.
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), JoseError> {
        if self.header.alg != key.alg() {
            return Err(JoseError::Algorithm);
        }
        key.check(self.signing_input.as_bytes(), &self.signature)
    }

    /// Checks kind and signature, and hands the content out.
    pub fn into_verified(self, key: &VerifyingKey, typ: Typ) -> Result<Verified, JoseError> {
        if !self.header.is(typ) {
            return Err(JoseError::Type);
        }
        self.verify(key)?;
        Ok(self.trusted())
    }

    /// What the signature vouches for; to be called after it was checked.
    pub(crate) fn trusted(self) -> Verified {
        Verified { header: self.header, payload: self.payload }
    }
}

/// Base64url that is filled up, or not.
fn padded(text: &[u8]) -> Result<Vec<u8>, JoseError> {
    if text.contains(&b'=') {
        return BASE64URL.decode(text).map_err(|_| JoseError::Malformed);
    }
    decode_base64url(text)
}

/// A token whose signature was checked. Its claims are as good as its signer.
#[derive(Debug, Clone)]
pub struct Verified {
    header: Header,
    payload: Vec<u8>,
}

impl Verified {
    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The payload's bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The claims; a repeated member anywhere is refused.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        json::parse(&self.payload, CLAIMS_LIMITS).map_err(|_| JoseError::Malformed)
    }

    /// The claims of a token we signed ourselves, which needs no second look at its form.
    pub fn own_claims<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        serde_json::from_slice(&self.payload).map_err(|_| JoseError::Malformed)
    }
}

/// The encoded header of a key's tokens.
pub(super) fn encode_header(alg: Alg, typ: &str, kid: &str) -> String {
    let header = serde_json::json!({ "alg": alg, "typ": typ, "kid": kid });
    BASE64URL_NOPAD.encode(header.to_string().as_bytes())
}

/// A compact token with a header of the caller's making (a proof's, an assertion's).
pub fn sign(key: &SigningKey, header: &impl Serialize, payload: &[u8]) -> Result<String, JoseError> {
    let header = serde_json::to_vec(header).map_err(|_| JoseError::Malformed)?;
    sign_encoded(key, &BASE64URL_NOPAD.encode(&header), payload)
}

/// A compact token under a header that is encoded already.
pub fn sign_encoded(key: &SigningKey, header: &str, payload: &[u8]) -> Result<String, JoseError> {
    let signature_len = BASE64URL_NOPAD.encode_len(key.signature_len());
    let payload_len = BASE64URL_NOPAD.encode_len(payload.len());
    let mut token = String::with_capacity(header.len() + payload_len + signature_len + 2);
    token.push_str(header);
    token.push('.');
    BASE64URL_NOPAD.encode_append(payload, &mut token);
    let message_len = token.len();
    token.push('.');
    let encoded = key.sign_with(token.as_bytes().get(..message_len).unwrap_or_default(), |signature| {
        BASE64URL_NOPAD.encode(signature)
    })?;
    token.push_str(&encoded);
    Ok(token)
}
