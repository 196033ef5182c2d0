//! What `doorward login` keeps: `logins.json` in the folder of the command line, readable by its owner
//! only. An access token that is about to end is replaced before it is used.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use doorward_core::{
    clients::COMMAND_LINE,
    env::{Env, no_fetch},
};
use doorward_proto::{secret::SecretText, time::Time};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

use super::{connect, profile};
use crate::{
    commands::{Exit, Failure},
    config::Environment,
};

/// A token is not sent when it may end on the way.
const MARGIN: Duration = Duration::from_secs(30);

/// Every sign-in of this person, by the server's address.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Logins {
    /// Where one signed in last: the server that is meant when nothing says which.
    current: Option<String>,
    #[serde(default, rename = "logins")]
    by_server: BTreeMap<String, Login>,
    #[serde(skip)]
    path: PathBuf,
}

/// One sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) token_endpoint: String,
    pub(crate) revocation_endpoint: Option<String>,
    pub(crate) access_token: Token,
    pub(crate) refresh_token: Option<Token>,
    /// When the access token ends.
    pub(crate) expires_at: Time,
}

/// A token, which is written out only here: the file is its owner's.
#[derive(Clone, Deserialize)]
pub(crate) struct Token(pub(crate) SecretText);

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

impl Logins {
    /// What there is; nothing where nobody has signed in.
    ///
    /// # Errors
    /// When the file can be read by others, or is not ours.
    pub(crate) fn read(environment: &Environment) -> Result<Self> {
        let Some(folder) = profile::folder(environment) else { return Ok(Self::default()) };
        let path = folder.join("logins.json");
        let shown = path.display();
        let mut logins = match std::fs::read_to_string(&path) {
            Ok(text) => {
                let mode = std::fs::metadata(&path)?.mode() & 0o777;
                if mode & 0o077 != 0 {
                    bail!(
                        "{shown} holds credentials and can be read by others (mode {mode:03o}); run: chmod \
                         600 {shown}"
                    );
                }
                serde_json::from_str(&text).with_context(|| format!("{shown} cannot be read; remove it"))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
        };
        logins.path = path;
        Ok(logins)
    }

    /// Where one signed in last.
    pub(crate) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Whether there is a sign-in at this server.
    pub(crate) fn has(&self, server: &str) -> bool {
        self.by_server.contains_key(server.trim_end_matches('/'))
    }

    /// Remembers a sign-in.
    pub(crate) fn put(&mut self, server: &str, login: Login) -> Result<()> {
        self.current = Some(server.to_owned());
        self.by_server.insert(server.to_owned(), login);
        self.write()
    }

    /// Forgets a sign-in.
    pub(crate) fn take(&mut self, server: &str) -> Result<Option<Login>> {
        let login = self.by_server.remove(server.trim_end_matches('/'));
        if login.is_some() {
            self.current = self.current.take().filter(|current| self.by_server.contains_key(current));
            self.write()?;
        }
        Ok(login)
    }

    /// The access token for a server, made anew where its time is over.
    pub(crate) async fn token(&mut self, server: &str) -> Result<Option<SecretText>> {
        let server = server.trim_end_matches('/');
        let Some(login) = self.by_server.get(server) else { return Ok(None) };
        if now() + MARGIN < login.expires_at {
            return Ok(Some(login.access_token.0.clone()));
        }
        let ended = || Failure {
            exit: Exit::NotSignedIn,
            line: format!("the sign-in at {server} has ended; sign in with `doorward login`"),
        };
        let Some(refresh) = &login.refresh_token else { return Err(ended().into()) };
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.0.expose()),
            ("client_id", COMMAND_LINE),
        ];
        let (status, answer) = connect::post_form(&login.token_endpoint, &form).await?;
        if status == http::StatusCode::BAD_REQUEST {
            return Err(ended().into());
        }
        let answer = connect::granted(status, answer)?;
        let mut fresh = Login::of(login.token_endpoint.clone(), login.revocation_endpoint.clone(), &answer)?;
        fresh.refresh_token = fresh.refresh_token.or_else(|| login.refresh_token.clone());
        let token = fresh.access_token.0.clone();
        self.by_server.insert(server.to_owned(), fresh);
        self.write()?;
        Ok(Some(token))
    }

    /// The file is there as a whole or not at all, and never readable by others.
    fn write(&self) -> Result<()> {
        let shown = self.path.display();
        let folder = self.path.parent().filter(|_| self.path.is_absolute());
        let folder = folder.context("there is no home folder to keep the sign-in in; set HOME")?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let draft = folder.join(format!("logins.{}.tmp", std::process::id()));
        let _ = std::fs::remove_file(&draft);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .with_context(|| format!("cannot write {shown}"))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        std::fs::rename(&draft, &self.path).with_context(|| format!("cannot write {shown}"))
    }
}

impl Login {
    /// What a token endpoint has answered (RFC 6749 5.1).
    pub(crate) fn of(
        token_endpoint: String,
        revocation_endpoint: Option<String>,
        answer: &Json,
    ) -> Result<Self> {
        let token = |member: &str| Some(Token(answer.get(member)?.as_str()?.into()));
        let access_token = token("access_token").context("an answer without an access token")?;
        let seconds = answer.get("expires_in").and_then(Json::as_u64).unwrap_or_default();
        Ok(Self {
            token_endpoint,
            revocation_endpoint,
            access_token,
            refresh_token: token("refresh_token"),
            expires_at: now() + Duration::from_secs(seconds),
        })
    }
}

fn now() -> Time {
    Env::system(no_fetch()).now()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_sign_in_is_kept_for_its_owner_only_and_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let environment =
            Environment::from_pairs([("XDG_CONFIG_HOME".to_owned(), home.path().display().to_string())]);
        let mut logins = Logins::read(&environment).unwrap();
        assert!(logins.current().is_none());
        let login = Login {
            token_endpoint: "https://id.example/oauth2/token".to_owned(),
            revocation_endpoint: None,
            access_token: Token("at-hush".into()),
            refresh_token: None,
            expires_at: now() + Duration::from_secs(600),
        };
        logins.put("https://id.example", login).unwrap();
        let path = home.path().join("doorward/logins.json");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let mut again = Logins::read(&environment).unwrap();
        assert_eq!(again.current(), Some("https://id.example"));
        assert!(again.has("https://id.example/") && !again.has("https://other.example"));
        assert!(again.take("https://id.example").unwrap().is_some());
        assert!(Logins::read(&environment).unwrap().current().is_none());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Logins::read(&environment).err().unwrap().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }
}
