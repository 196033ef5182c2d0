//! Names and passwords from a file (RFC 7617), as `htpasswd -B` writes it: for a start and for tests. Whoever
//! has people signs them in.
//!
//! A line is `name:hash`, with a bcrypt hash or an Argon2 one. Faster hashes are refused: they keep no password
//! secret once the file is read by somebody else.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use argon2::{Argon2, PasswordVerifier};
use doorward_judge::{CredentialKind, Identity, Principal, Why};
use doorward_proto::secret::SecretText;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use super::{Credential, Provider, Recognition, Seen};

/// Passwords that are looked at, or wait for it, at once. Beyond it the answer is an honest 503.
const WAITING: usize = 64;
/// What bcrypt may cost: a hash of cost 14 takes about a second.
const DEAREST: u32 = 14;
/// Bytes that bcrypt looks at; a longer password would match its own beginning.
const BCRYPT_LOOKS_AT: usize = 72;
/// Memory that an Argon2 hash may take, in KiB.
const LARGEST: u32 = 256 * 1024;

/// The names of one file.
pub struct Htpasswd(Arc<Names>);

struct Names {
    hashes: HashMap<String, Hash>,
    /// What an unknown name is checked against, so that it costs as much as a known one: always the same of these,
    /// so that among hashes of several costs each cost is that of known names and of others.
    costs: Vec<Hash>,
    spread: RandomState,
    working: Semaphore,
    waiting: AtomicUsize,
}

#[derive(Debug, Clone)]
enum Hash {
    Bcrypt(String),
    Argon2(String),
}

/// Why a file of names makes no sense. It never repeats what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadLine {
    /// The line, from one.
    pub line: usize,
    /// What is wrong, in words for the operator.
    pub what: &'static str,
}

impl Htpasswd {
    /// Reads the text of a file. Empty lines and those that begin with `#` do not count.
    ///
    /// # Errors
    /// The first line that makes no sense; a name that is there twice.
    pub fn read(text: &str) -> Result<Self, BadLine> {
        let mut hashes = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what| BadLine { line: number + 1, what };
            let (name, hash) = line.split_once(':').ok_or_else(|| wrong("it takes name:hash"))?;
            if name.is_empty() || name.contains(char::is_control) {
                return Err(wrong("the name is empty"));
            }
            let hash = Hash::read(hash).map_err(wrong)?;
            if hashes.insert(name.to_owned(), hash).is_some() {
                return Err(wrong("this name is there already"));
            }
        }
        if hashes.is_empty() {
            return Err(BadLine { line: 1, what: "there is no name in it" });
        }
        let costs = hashes.values().cloned().collect();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let working = Semaphore::new(cores.saturating_sub(1).max(1));
        let (spread, waiting) = (RandomState::new(), AtomicUsize::new(0));
        Ok(Self(Arc::new(Names { hashes, costs, spread, working, waiting })))
    }

    async fn checked(&self, name: &str, password: &SecretText) -> Recognition {
        let names = &self.0;
        let place = Waiting::take(names).ok_or(Why::Unavailable)?;
        let permit = names.working.acquire().await.map_err(|_| Why::Unavailable)?;
        let known = names.hashes.get(name).cloned();
        let (is_known, hash) = (known.is_some(), known.or_else(|| names.nobody(name).cloned()));
        let password = password.clone();
        let looked = tokio::task::spawn_blocking(move || hash.is_some_and(|hash| hash.is_of(&password)));
        let is_right = looked.await.map_err(|_| Why::Unavailable)?;
        drop((permit, place));
        if !is_right || !is_known {
            return Err(Why::InvalidToken.into());
        }
        let identity = Identity { subject: name.to_owned(), ..Identity::default() };
        Ok(Some(Principal::new(identity, CredentialKind::Basic)))
    }
}

impl Names {
    /// What stands for a name that is not in the file.
    fn nobody(&self, name: &str) -> Option<&Hash> {
        let count = u64::try_from(self.costs.len()).unwrap_or(1).max(1);
        let place = self.spread.hash_one(name) % count;
        self.costs.get(usize::try_from(place).unwrap_or_default())
    }
}

/// A place among those who wait; given back when it is dropped.
struct Waiting<'n>(&'n Names);

impl<'n> Waiting<'n> {
    fn take(names: &'n Names) -> Option<Self> {
        let place = Self(names);
        (names.waiting.fetch_add(1, Ordering::AcqRel) < WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Provider for Htpasswd {
    fn name(&self) -> &'static str {
        "basic"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            match credential {
                Credential::Basic { name, password } => self.checked(name, password).await,
                Credential::Token { .. } | Credential::Fronted { .. } | Credential::Certificate(_) => {
                    Ok(None)
                }
            }
        })
    }
}

impl Hash {
    fn read(text: &str) -> Result<Self, &'static str> {
        if text.contains(':') {
            return Err("there is a colon too many");
        }
        if ["$2a$", "$2b$", "$2y$"].iter().any(|head| text.starts_with(head)) {
            let parts: bcrypt::HashParts = text.parse().map_err(|_| "the bcrypt hash is malformed")?;
            if parts.get_cost() > DEAREST {
                return Err("the hash costs more than a second; use a cost of 12");
            }
            return Ok(Self::Bcrypt(text.to_owned()));
        }
        if text.starts_with("$argon2") {
            let hash: argon2::PasswordHash = text.parse().map_err(|_| "the Argon2 hash is malformed")?;
            let params = argon2::Params::try_from(&hash).map_err(|_| "the Argon2 hash is malformed")?;
            if params.m_cost() > LARGEST || params.t_cost() > 10 {
                return Err("the hash costs more than a sign-in is worth");
            }
            return Ok(Self::Argon2(text.to_owned()));
        }
        Err("the password is not hashed with bcrypt or Argon2; write the line with htpasswd -B")
    }

    fn is_of(&self, password: &SecretText) -> bool {
        let password = password.expose().as_bytes();
        match self {
            Self::Bcrypt(hash) => {
                password.len() <= BCRYPT_LOOKS_AT && bcrypt::verify(password, hash).unwrap_or(false)
            }
            Self::Argon2(hash) => Argon2::default().verify_password(password, hash.as_str()).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `htpasswd -nbB -C 5 ada wonderland`, and Argon2 of the same word.
    fn file() -> String {
        let bcrypt = bcrypt::hash("wonderland", 5).unwrap();
        format!("# people\nada:{bcrypt}\r\n\ngrace:{ARGON}\n")
    }

    const ARGON: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$";

    fn with_argon(text: &str) -> String {
        use argon2::{Algorithm, Params, Version};
        let params = Params::new(64, 1, 1, Some(32)).unwrap();
        let mut digest = [0_u8; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(b"hopper", b"somesaltsomesalt", &mut digest)
            .unwrap();
        text.replace(ARGON, &format!("{ARGON}{}", data_encoding::BASE64_NOPAD.encode(&digest)))
    }

    async fn says(names: &Htpasswd, name: &str, password: &str) -> Result<String, Why> {
        let credential = Credential::Basic { name: name.to_owned(), password: SecretText::from(password) };
        let found = names.recognise(&credential, Seen { now: doorward_proto::time::Time::default() }).await;
        found.map(|it| it.unwrap().identity.subject).map_err(|refusal| refusal.why)
    }

    #[tokio::test]
    async fn names_with_their_passwords_are_known() {
        let names = Htpasswd::read(&with_argon(&file())).unwrap();
        assert_eq!(says(&names, "ada", "wonderland").await.as_deref(), Ok("ada"));
        assert_eq!(says(&names, "grace", "hopper").await.as_deref(), Ok("grace"));
        for (name, password) in
            [("ada", "Wonderland"), ("grace", "wonderland"), ("eve", "wonderland"), ("ada", "")]
        {
            assert_eq!(says(&names, name, password).await, Err(Why::InvalidToken), "{name}");
        }
        let long = "x".repeat(73);
        let cut = bcrypt::hash(&long, 5).unwrap();
        let names = Htpasswd::read(&format!("ada:{cut}")).unwrap();
        assert_eq!(says(&names, "ada", &long).await, Err(Why::InvalidToken), "cut off at 72 bytes");
    }

    /// A name that costs less than every unknown one would be known by that.
    #[test]
    fn unknown_names_cost_what_known_ones_do() {
        let names = Htpasswd::read(&with_argon(&file())).unwrap().0;
        let kinds = (0..200).map(|number| {
            let name = format!("eve-{number}");
            let [first, again] = [(); 2].map(|()| matches!(names.nobody(&name), Some(Hash::Bcrypt(_))));
            assert_eq!(first, again, "{name} is always the same");
            first
        });
        let as_ada = kinds.filter(|is_bcrypt| *is_bcrypt).count();
        assert!((20..180).contains(&as_ada), "{as_ada} of 200");
    }

    #[test]
    fn lines_that_make_no_sense_say_why() {
        let good = bcrypt::hash("x", 4).unwrap();
        let cases = [
            ("ada:wonderland".to_owned(), 1),
            ("ada:$apr1$x$y".to_owned(), 1),
            ("ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".to_owned(), 1),
            ("ada".to_owned(), 1),
            (format!(":{good}"), 1),
            (format!("ada:{good}\nada:{good}"), 2),
            (format!("ada:{good}:more"), 1),
            ("ada:$2b$31$abcdefghijklmnopqrstuuIcQY0JTmvmLVqhTEN/7aLOCBQ8PZ8bW".to_owned(), 1),
            ("ada:$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo".to_owned(), 1),
            ("# nobody\n".to_owned(), 1),
        ];
        for (text, line) in cases {
            let wrong = Htpasswd::read(&text).err().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(wrong.line, line, "{text}");
            assert!(!wrong.to_string().contains("wonderland"));
        }
    }
}
