//! Password hashes: Argon2id (RFC 9106) is made; bcrypt, scrypt (RFC 7914) and PBKDF2 (RFC 8018) from
//! elsewhere are read and verified.
//!
//! The texts are PHC strings, `$2a$`/`$2b$`/`$2y$` for bcrypt, and Django's form of PBKDF2. Cost
//! parameters are bounded, since a hash that somebody imports decides how much work a stranger can
//! cause by guessing. Work happens on the pool's threads only.

use std::{num::NonZeroU32, str::FromStr as _};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::pbkdf2;
use data_encoding::{BASE64, BASE64_NOPAD, Encoding};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::outcome::{Code, Error, Refusal, Result};

/// How a password was hashed, with its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 9106.
    Argon2 {
        /// `argon2id`, `argon2i` or `argon2d`.
        variant: Algorithm,
        /// 0x10 or 0x13.
        version: Version,
        /// KiB.
        memory: u32,
        /// Passes.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// `$2a$`, `$2b$`, `$2y$`.
    Bcrypt {
        /// Logarithm of the rounds.
        cost: u32,
    },
    /// RFC 7914.
    Scrypt {
        /// Logarithm of N.
        log_n: u8,
        /// Block size.
        block: u32,
        /// Parallelism.
        lanes: u32,
    },
    /// RFC 8018.
    Pbkdf2 {
        /// The inner hash.
        inner: Inner,
        /// Iterations.
        iterations: u32,
    },
}

/// The hash inside PBKDF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inner {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// A stored password hash that this program can verify.
#[derive(Clone, PartialEq, Eq)]
pub struct Hashed {
    text: String,
    scheme: Scheme,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

/// Not printed: a hash of something that a person chose is worth guessing at.
impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hashed({})", self.scheme.name())
    }
}

const SALT: usize = 16;
const DIGEST: usize = 32;

impl Scheme {
    /// What new passwords are hashed with (OWASP: 19 MiB, two passes, one lane).
    pub const CURRENT: Self = Self::Argon2 {
        variant: Algorithm::Argon2id,
        version: Version::V0x13,
        memory: 19_456,
        passes: 2,
        lanes: 1,
    };

    /// A name with the cost, without any secret.
    pub fn name(&self) -> String {
        match self {
            Self::Argon2 { variant, version, memory, passes, lanes } => {
                format!("{variant} v={} m={memory},t={passes},p={lanes}", u32::from(*version))
            }
            Self::Bcrypt { cost } => format!("bcrypt cost={cost}"),
            Self::Scrypt { log_n, block, lanes } => format!("scrypt ln={log_n},r={block},p={lanes}"),
            Self::Pbkdf2 { inner, iterations } => format!("{} i={iterations}", inner.phc_name()),
        }
    }

    /// At most about a second of one core and 256 MiB.
    fn is_bearable(&self) -> bool {
        match *self {
            Self::Argon2 { memory, passes, lanes, .. } => {
                memory <= 262_144 && lanes <= 16 && u64::from(memory) * u64::from(passes) <= 1_048_576
            }
            Self::Bcrypt { cost } => (4..=14).contains(&cost),
            Self::Scrypt { log_n, block, lanes } => {
                (1..=20).contains(&log_n)
                    && (1..=32).contains(&block)
                    && (1..=16).contains(&lanes)
                    && (u64::from(block) * u64::from(lanes)) << log_n <= 1 << 21
            }
            Self::Pbkdf2 { iterations, .. } => (1..=3_000_000).contains(&iterations),
        }
    }
}

impl Inner {
    const fn phc_name(self) -> &'static str {
        match self {
            Self::Sha1 => "pbkdf2-sha1",
            Self::Sha256 => "pbkdf2-sha256",
            Self::Sha512 => "pbkdf2-sha512",
        }
    }

    const fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

impl Hashed {
    /// Reads a stored or imported hash.
    ///
    /// # Errors
    /// Refused with `password.hash_unsupported` when the form is unknown or the cost out of bounds.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || Error::from(Refusal::new(Code::PasswordHashUnsupported).field("password_hash"));
        if text.len() > 512 {
            return Err(refused());
        }
        let (scheme, salt, digest) = read(text).ok_or_else(refused)?;
        if !scheme.is_bearable() {
            return Err(Refusal::new(Code::PasswordHashUnsupported)
                .field("password_hash")
                .hint("The hash costs more than this server spends on a sign-in")
                .into());
        }
        Ok(Self { text: text.to_owned(), scheme, salt, digest })
    }

    /// Hashes a password under [`Scheme::CURRENT`]; `memory` is reused.
    pub(super) fn make(password: &[u8], salt: [u8; SALT], memory: &mut Vec<Block>) -> Result<Self> {
        let mut digest = vec![0_u8; DIGEST];
        argon2(Scheme::CURRENT, (password, &salt), &mut digest, memory)?;
        Ok(Self::current(salt.to_vec(), digest))
    }

    /// Whether the password is the one that was hashed.
    pub(super) fn verify(&self, password: &[u8], memory: &mut Vec<Block>) -> Result<bool> {
        let mut made = Zeroizing::new(vec![0_u8; self.digest.len()]);
        match self.scheme {
            Scheme::Argon2 { .. } => argon2(self.scheme, (password, &self.salt), &mut made, memory)?,
            // The library cuts passwords at 72 bytes, as every bcrypt in the field does.
            Scheme::Bcrypt { .. } => {
                return bcrypt::verify(password, &self.text)
                    .map_err(|error| Error::fault(format!("bcrypt refused a stored hash: {error}")));
            }
            Scheme::Scrypt { log_n, block, lanes } => {
                let params = scrypt::Params::new(log_n, block, lanes)?;
                scrypt::scrypt(password, &self.salt, &params, &mut made)?;
            }
            Scheme::Pbkdf2 { inner, iterations } => {
                let iterations = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
                pbkdf2::derive(inner.algorithm(), iterations, &self.salt, password, &mut made);
            }
        }
        Ok(made.ct_eq(&self.digest).into())
    }

    /// The text that is stored.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it was hashed.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether a new hash of the same password would look like this one.
    pub fn is_current(&self) -> bool {
        self.scheme == Scheme::CURRENT && self.salt.len() >= SALT && self.digest.len() == DIGEST
    }

    /// A hash of the same scheme and cost that belongs to no password.
    pub(super) fn example(&self) -> String {
        let (salt, digest) = (
            BASE64_NOPAD.encode(&vec![0; self.salt.len()]),
            BASE64_NOPAD.encode(&vec![0; self.digest.len()]),
        );
        match self.scheme {
            Scheme::Argon2 { .. } | Scheme::Scrypt { .. } => {
                let head: Vec<&str> = self.text.split('$').collect();
                let kept = head.get(..head.len().saturating_sub(2)).unwrap_or_default().join("$");
                format!("{kept}${salt}${digest}")
            }
            Scheme::Bcrypt { cost } => format!("$2b${cost:02}${}", ".".repeat(53)),
            Scheme::Pbkdf2 { inner, iterations } => {
                format!("${}$i={iterations}${salt}${digest}", inner.phc_name())
            }
        }
    }

    /// A current hash that belongs to no password: what an unknown account is verified against.
    pub(super) fn nobody() -> Self {
        Self::current(vec![0; SALT], vec![0; DIGEST])
    }

    fn current(salt: Vec<u8>, digest: Vec<u8>) -> Self {
        let (salt_text, digest_text) = (BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(&digest));
        let text = format!("$argon2id$v=19$m=19456,t=2,p=1${salt_text}${digest_text}");
        Self { text, scheme: Scheme::CURRENT, salt, digest }
    }
}

/// Runs Argon2 on blocks that grow when needed and stay for the next time.
fn argon2(
    scheme: Scheme,
    (password, salt): (&[u8], &[u8]),
    out: &mut [u8],
    blocks: &mut Vec<Block>,
) -> Result<()> {
    let Scheme::Argon2 { variant, version, memory, passes, lanes } = scheme else {
        return Err(Error::fault("not an Argon2 hash"));
    };
    let refused = |error: argon2::Error| Error::fault(format!("Argon2 refused its parameters: {error}"));
    let params = Params::new(memory, passes, lanes, Some(out.len())).map_err(refused)?;
    let needed = params.block_count();
    if blocks.len() < needed {
        blocks.resize(needed, Block::new());
    }
    Argon2::new(variant, version, params)
        .hash_password_into_with_memory(password, salt, out, blocks.as_mut_slice())
        .map_err(refused)
}

type Parts = (Scheme, Vec<u8>, Vec<u8>);

fn read(text: &str) -> Option<Parts> {
    if let Some(rest) = text.strip_prefix("pbkdf2_") {
        return read_django(rest);
    }
    let fields: Vec<&str> = text.strip_prefix('$')?.split('$').collect();
    match *fields.as_slice() {
        [name @ ("argon2id" | "argon2i" | "argon2d"), version, params, salt, digest] => {
            let version = number(version.strip_prefix("v=")?)?;
            read_argon2(name, version, params, (salt, digest))
        }
        ["2a" | "2b" | "2y", cost, rest] if text.len() == 60 && rest.len() == 53 => {
            // Read as the library will read it: stray bits in the last digits are refused here already.
            bcrypt::HashParts::from_str(text).ok()?;
            Some((Scheme::Bcrypt { cost: number(cost)? }, Vec::new(), Vec::new()))
        }
        ["scrypt", params, salt, digest] => {
            let [log_n, block, lanes] = named(params, ["ln", "r", "p"])?;
            let scheme = Scheme::Scrypt { log_n: u8::try_from(log_n).ok()?, block, lanes };
            with_bytes(scheme, salt, digest)
        }
        [name, params, salt, digest] => {
            let inner = [Inner::Sha1, Inner::Sha256, Inner::Sha512]
                .into_iter()
                .find(|inner| inner.phc_name() == name || (name == "pbkdf2" && *inner == Inner::Sha1))?;
            let first = params.split(',').next()?;
            let iterations = number(first.strip_prefix("i=").unwrap_or(first))?;
            with_bytes(Scheme::Pbkdf2 { inner, iterations }, salt, digest)
        }
        _ => None,
    }
}

fn read_argon2(name: &str, version: u32, params: &str, (salt, digest): (&str, &str)) -> Option<Parts> {
    let [memory, passes, lanes] = named(params, ["m", "t", "p"])?;
    let variant: Algorithm = name.parse().ok()?;
    let version = Version::try_from(version).ok()?;
    let (scheme, salt, digest) =
        with_bytes(Scheme::Argon2 { variant, version, memory, passes, lanes }, salt, digest)?;
    let fits = Params::new(memory, passes, lanes, Some(digest.len())).is_ok() && salt.len() >= 8;
    fits.then_some((scheme, salt, digest))
}

/// `sha256$600000$salt$base64`, where the salt is used as it is written.
fn read_django(text: &str) -> Option<Parts> {
    let mut fields = text.split('$');
    let inner = match fields.next()? {
        "sha1" => Inner::Sha1,
        "sha256" => Inner::Sha256,
        "sha512" => Inner::Sha512,
        _ => return None,
    };
    let (iterations, salt, digest) = (number(fields.next()?)?, fields.next()?, fields.next()?);
    let digest = BASE64.decode(digest.as_bytes()).ok()?;
    let whole = fields.next().is_none() && fits(salt.as_bytes(), &digest);
    whole.then(|| (Scheme::Pbkdf2 { inner, iterations }, salt.as_bytes().to_vec(), digest))
}

fn with_bytes(scheme: Scheme, salt: &str, digest: &str) -> Option<Parts> {
    let (salt, digest) = (base64(salt)?, base64(digest)?);
    fits(&salt, &digest).then_some((scheme, salt, digest))
}

/// The bounds of every scheme: an example of any hash must itself be readable.
fn fits(salt: &[u8], digest: &[u8]) -> bool {
    (16..=64).contains(&digest.len()) && salt.len() <= 64
}

/// Base64 without padding; passlib writes `.` for `+`, some write padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    const PLAIN: &Encoding = &BASE64_NOPAD;
    PLAIN.decode(text.trim_end_matches('=').replace('.', "+").as_bytes()).ok()
}

fn number(text: &str) -> Option<u32> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `a=1,b=2,c=3` in that order.
fn named<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut values = [0; N];
    let mut fields = text.split(',');
    for (value, name) in values.iter_mut().zip(names) {
        *value = number(fields.next()?.strip_prefix(name)?.strip_prefix('=')?)?;
    }
    fields.next().is_none().then_some(values)
}
