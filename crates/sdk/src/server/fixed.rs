//! Fixed tokens from a file: for a start and for tests. Whoever has machines gives them service tokens.
//!
//! A file is a token alone; or lines; or a list of users in YAML or JSON, as Chroma has it:
//!
//! ```yaml
//! users:
//!   - id: ci
//!     role: service
//!     tenant: acme
//!     databases: [reports]
//!     tokens: ["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
//! ```
//!
//! A token may be written as its SHA-256, so that whoever reads the file cannot use it; that keeps only random
//! tokens secret, so short ones are refused either way.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use doorward_judge::{CredentialKind, Identity, IdentityType, Principal, Workspaces};
use doorward_proto::{scope::is_scope_name, secret::SecretText};
use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::{Credential, Provider, Recognition, Seen};

/// A token of fewer characters can be guessed.
const SHORTEST: usize = 16;
/// Whoever has the one token of a file that names nobody.
const NOBODY: &str = "token";

/// The tokens of one file.
#[derive(Debug)]
pub struct FixedTokens(HashMap<[u8; 32], Identity>);

/// Why a file of tokens makes no sense. It never repeats a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadTokens(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    users: Vec<User>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: String,
    tokens: Vec<SecretText>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    databases: Vec<String>,
    #[serde(default)]
    workspaces: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
}

impl FixedTokens {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong, and with whose tokens.
    pub fn read(text: &str) -> Result<Self, BadTokens> {
        let text = text.trim();
        if !text.contains("users") {
            return Self::of(vec![User::alone(text.lines().map(str::trim))]);
        }
        let file: File = serde_saphyr::from_str(text)
            .map_err(|_| BadTokens("it is no list of users with id and tokens in YAML or JSON".to_owned()))?;
        Self::of(file.users)
    }

    fn of(users: Vec<User>) -> Result<Self, BadTokens> {
        let mut known = HashMap::new();
        for user in users {
            let wrong = |what: &str| BadTokens(format!("{}: {what}", user.id));
            if user.id.is_empty() || user.tokens.is_empty() {
                return Err(wrong("it takes an id and tokens"));
            }
            let hashes = user.tokens.iter().map(hashed).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
            let identity = user.identity();
            for hash in hashes {
                if known.insert(hash, identity.clone()).is_some() {
                    return Err(wrong("a token is there twice"));
                }
            }
        }
        if known.is_empty() {
            return Err(BadTokens("there is no token in it".to_owned()));
        }
        Ok(Self(known))
    }
}

impl User {
    fn alone<'t>(tokens: impl Iterator<Item = &'t str>) -> Self {
        Self {
            id: NOBODY.to_owned(),
            tokens: tokens.filter(|token| !token.is_empty()).map(SecretText::from).collect(),
            role: None,
            tenant: None,
            databases: Vec::new(),
            workspaces: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
        }
    }

    fn identity(&self) -> Identity {
        let names = |names: &[String]| names.iter().filter(|name| is_scope_name(name)).cloned().collect();
        let workspaces = self.databases.iter().chain(&self.workspaces).map(String::as_str);
        Identity {
            subject: self.id.clone(),
            kind: IdentityType::Service,
            scopes: names(&self.scopes),
            permissions: names(&self.permissions),
            roles: self.role.iter().cloned().collect(),
            role: self.role.clone(),
            organization: self.tenant.clone(),
            workspaces: Workspaces::from_names(workspaces),
            ..Identity::default()
        }
    }
}

/// Under what a token is looked up: a token, or the SHA-256 of one.
fn hashed(token: &SecretText) -> Result<[u8; 32], &'static str> {
    let text = token.expose().trim();
    if let Some(hex) = text.strip_prefix("sha256:") {
        let bytes = HEXLOWER.decode(hex.to_ascii_lowercase().as_bytes()).map_err(|_| "no SHA-256 in hex")?;
        return bytes.try_into().map_err(|_| "no SHA-256 in hex");
    }
    if text.len() < SHORTEST {
        return Err("a token needs at least 16 characters");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a token has letters, digits and punctuation of ASCII");
    }
    Ok(sha256(text))
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

impl Provider for FixedTokens {
    fn name(&self) -> &'static str {
        "static-token"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        let found = credential.token().and_then(|token| self.0.get(&sha256(token.expose()))).cloned();
        let found = found.map(|identity| Principal::new(identity, CredentialKind::StaticToken));
        Box::pin(std::future::ready(Ok(found)))
    }
}

#[cfg(test)]
mod tests {
    use doorward_proto::time::Time;

    use super::*;
    use crate::server::Scheme;

    const TOKEN: &str = "a-token-of-many-characters";

    async fn whose(tokens: &FixedTokens, token: &str) -> Option<Principal> {
        let credential = Credential::Token { scheme: Scheme::Key, token: SecretText::from(token) };
        tokens.recognise(&credential, Seen { now: Time::default() }).await.unwrap()
    }

    #[tokio::test]
    async fn one_token_alone() {
        let tokens = FixedTokens::read(&format!("{TOKEN}\n")).unwrap();
        assert_eq!(whose(&tokens, TOKEN).await.unwrap().identity.subject, "token");
        assert!(whose(&tokens, "another-token-of-many").await.is_none());
        let file_of_hashes = format!("sha256:{}", HEXLOWER.encode(&sha256(TOKEN)));
        assert!(whose(&FixedTokens::read(&file_of_hashes).unwrap(), TOKEN).await.is_some());
        assert!(whose(&FixedTokens::read(&file_of_hashes).unwrap(), &file_of_hashes).await.is_none());
    }

    #[tokio::test]
    async fn users_as_chroma_lists_them() {
        let text = format!(
            "users:\n  - id: ci\n    role: writer\n    tenant: acme\n    databases: [Reports]\n    tokens:\n      - \
             {TOKEN}\n      - {TOKEN}-2\n  - id: other\n    tokens: [third-token-of-many]\n"
        );
        let tokens = FixedTokens::read(&text).unwrap();
        let ci = whose(&tokens, &format!("{TOKEN}-2")).await.unwrap();
        assert_eq!(ci.identity.subject, "ci");
        assert_eq!(ci.identity.organization.as_deref(), Some("acme"));
        assert_eq!(ci.identity.role.as_deref(), Some("writer"));
        assert!(ci.identity.workspaces.contains("reports"));
        assert_eq!(whose(&tokens, "third-token-of-many").await.unwrap().identity.subject, "other");
        let json = format!(r#"{{"users":[{{"id":"ci","tokens":["{TOKEN}"]}}]}}"#);
        assert!(whose(&FixedTokens::read(&json).unwrap(), TOKEN).await.is_some());
    }

    #[test]
    fn files_that_make_no_sense_say_why() {
        let cases = [
            String::new(),
            "short".to_owned(),
            "a token with spaces in it".to_owned(),
            "sha256:1234".to_owned(),
            format!("{TOKEN}\n{TOKEN}"),
            format!("users:\n  - id: a\n    tokens: [{TOKEN}]\n  - id: b\n    tokens: [{TOKEN}]\n"),
            "users:\n  - id: a\n    tokens: []\n".to_owned(),
            format!("users:\n  - id: a\n    tokens: [{TOKEN}]\n    password: x\n"),
            "users: 7".to_owned(),
        ];
        for text in cases {
            let wrong = FixedTokens::read(&text).unwrap_err();
            assert!(!wrong.to_string().contains(TOKEN), "{wrong}");
        }
    }
}
