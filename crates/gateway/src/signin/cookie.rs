//! What a browser keeps for us, sealed: its session at one host, and what it was about to see when it was sent to
//! sign in.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};
use doorward_proto::{
    jose::{decode_base64url, encode_base64url},
    time::Time,
};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Held, Site};

/// Browsers keep 4096 bytes with the name and the attributes.
const LONGEST: usize = 3_800;
/// No browser has more sessions at a host.
const SESSIONS: usize = 4;

/// Names of cookies: with the prefix that lets no other host set them where there is https.
#[derive(Debug, Clone, Copy)]
pub(super) enum Jar {
    /// The session.
    Gate,
    /// Which browser it was that was sent to sign in.
    Try,
}

impl Jar {
    const fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Gate, true) => "__Host-doorward_gate",
            (Self::Gate, false) => "doorward_gate",
            (Self::Try, true) => "__Host-doorward_try",
            (Self::Try, false) => "doorward_try",
        }
    }

    /// What the browser has kept. Two of a name are none: one of them was planted.
    pub(super) fn read<'h>(self, headers: &'h HeaderMap, site: Site<'_>) -> Option<&'h str> {
        let mut found = self.all(headers, site);
        let value = found.next()?;
        found.next().is_none().then_some(value)
    }

    /// Every one of its name.
    fn all<'h>(self, headers: &'h HeaderMap, site: Site<'_>) -> impl Iterator<Item = &'h str> + use<'h> {
        let name = self.name(site.is_https);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// `Set-Cookie`, for so many seconds; for none, it is taken away.
    pub(super) fn set(self, site: Site<'_>, value: &str, seconds: i64) -> Option<HeaderValue> {
        let secure = if site.is_https { "; Secure" } else { "" };
        let name = self.name(site.is_https);
        let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Whether a browser has several sessions at this host: one of them was planted, and signing in takes none away.
pub(super) fn is_doubled(headers: &HeaderMap, site: Site<'_>) -> bool {
    Jar::Gate.all(headers, site).count() > 1
}

/// A session, as it is sealed.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Session {
    /// The token that stands for the person.
    pub(super) t: String,
    /// Whether that is the ID token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) d: bool,
    /// The access token then, which is not used but ended with the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) a: Option<String>,
    /// Whose ID token came when they signed in, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) u: Option<String>,
    /// When the person signed in, in seconds.
    pub(super) s: i64,
    /// When it was got, in seconds.
    pub(super) i: i64,
    /// When it ends, in seconds.
    pub(super) e: i64,
    /// The refresh token, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) r: Option<String>,
}

/// Seals and opens.
pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    pub(super) fn new(key: &[u8; 32]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, key).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Seals a value for one place: nothing opens it elsewhere.
    pub(super) fn seal(&self, place: &str, value: &impl Serialize) -> Option<String> {
        let mut body = serde_json::to_vec(value).ok()?;
        let nonce = random::<NONCE_LEN>()?;
        let bound = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(bound, Aad::from(place.as_bytes()), &mut body).ok()?;
        let sealed = encode_base64url(&[nonce.as_slice(), &body].concat());
        (sealed.len() <= LONGEST).then_some(sealed)
    }

    pub(super) fn open<T: DeserializeOwned>(&self, place: &str, sealed: &str) -> Option<T> {
        if sealed.len() > LONGEST {
            return None;
        }
        let mut sealed = decode_base64url(sealed.as_bytes()).ok()?;
        let (nonce, body) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.0.open_in_place(nonce, Aad::from(place.as_bytes()), body).ok()?;
        serde_json::from_slice(opened).ok()
    }

    /// What a browser has kept of a session at this host, also when it has ended.
    pub(super) fn kept(&self, headers: &HeaderMap, site: Site<'_>) -> Option<Session> {
        self.open(&gate(site), Jar::Gate.read(headers, site)?)
    }

    /// All of it that is ours.
    pub(super) fn all_kept(&self, headers: &HeaderMap, site: Site<'_>) -> Vec<Session> {
        Jar::Gate
            .all(headers, site)
            .take(SESSIONS)
            .filter_map(|sealed| self.open(&gate(site), sealed))
            .collect()
    }

    /// The session that a browser has at this host.
    pub(super) fn session(&self, headers: &HeaderMap, site: Site<'_>, now: Time) -> Option<Held> {
        let session = self.kept(headers, site)?;
        let is_live = now.as_seconds() < session.e;
        is_live.then(|| Held::new(session, now))
    }
}

/// For whom a session is sealed: no other host's cookie is one here.
pub(super) fn gate(site: Site<'_>) -> String {
    format!("gate {}", site.origin())
}

/// Random bytes; none when the operating system has none.
pub(super) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}
