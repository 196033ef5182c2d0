//! Where to and with which credential: flags, environment, profile (INTERFACE 2).
//!
//! A profile's credential is for its own `api_url` and goes nowhere else: a mistyped `--url` must not hand
//! it to a stranger.

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use crate::config::Environment;

/// Flags of every command that talks to a server.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Connection {
    /// The server's address [default: `DOORWARD_URL`, else the profile's].
    #[arg(long, value_name = "URL", help_heading = "Server")]
    pub(crate) url: Option<String>,
    /// A file that holds the credential [default: `DOORWARD_SERVICE_TOKEN`, else the profile's].
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub(crate) token_file: Option<PathBuf>,
    /// A profile of ~/.config/doorward/cli.toml [default: default].
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    pub(crate) profile: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) url: Option<String>,
    pub(crate) token: Option<SecretText>,
    /// Whether flags or environment say where to, rather than the profile.
    pub(crate) is_explicit: bool,
}

#[derive(Default, Deserialize)]
struct File {
    default: Option<Profile>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Default, Clone, Deserialize)]
struct Profile {
    api_url: Option<String>,
    service_token: Option<SecretText>,
}

/// The folder of the command line's own files.
pub(crate) fn folder(environment: &Environment) -> Option<PathBuf> {
    let base = match environment.get("XDG_CONFIG_HOME") {
        Some(base) => PathBuf::from(base),
        None => Path::new(environment.get("HOME")?).join(".config"),
    };
    Some(base.join("doorward"))
}

/// Looks everything up, in order.
///
/// # Errors
/// When a file cannot be read, can be read by others, or has no such profile.
pub(crate) fn find(connection: &Connection, environment: &Environment) -> Result<Found> {
    let name = connection.profile.as_deref().or_else(|| environment.get("DOORWARD_PROFILE"));
    let profile = match folder(environment).map(|folder| folder.join("cli.toml")) {
        Some(path) if path.exists() => read(&path, name)?,
        _ if name.is_some() => bail!("there is no profile file ~/.config/doorward/cli.toml"),
        _ => Profile::default(),
    };
    let token_file =
        connection.token_file.clone().or_else(|| environment.get("DOORWARD_TOKEN_FILE").map(PathBuf::from));
    let token = match token_file {
        Some(path) => Some(read_token(&path)?),
        None => environment.get("DOORWARD_SERVICE_TOKEN").map(SecretText::from),
    };
    let url = connection.url.clone().or_else(|| environment.get("DOORWARD_URL").map(str::to_owned));
    let is_explicit = url.is_some() || token.is_some() || name.is_some();
    let is_elsewhere = url.as_deref().is_some_and(|url| {
        profile.api_url.as_deref().is_none_or(|own| origin(own).is_none() || origin(own) != origin(url))
    });
    let own_token = profile.service_token.filter(|_| !is_elsewhere);
    Ok(Found { url: url.or(profile.api_url), token: token.or(own_token), is_explicit })
}

/// Scheme, host and port; none of what is no address.
fn origin(url: &str) -> Option<url::Origin> {
    url::Url::parse(url).ok().map(|url| url.origin()).filter(url::Origin::is_tuple)
}

fn read_token(path: &Path) -> Result<SecretText> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(SecretText::from(text.trim()))
}

fn read(path: &Path, name: Option<&str>) -> Result<Profile> {
    let shown = path.display();
    let mode = std::fs::metadata(path)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "{shown} holds credentials and can be read by others (mode {mode:03o}); run: chmod 600 {shown}"
        );
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let mut file: File =
        toml::from_str(&text).map_err(|error| anyhow::anyhow!("{shown}: {}", error.message()))?;
    match name {
        // Some write the usual one like the others.
        None | Some("default") => {
            Ok(file.default.or_else(|| file.profiles.remove("default")).unwrap_or_default())
        }
        Some(name) => file.profiles.remove(name).with_context(|| format!("{shown} has no [profiles.{name}]")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn flags_beat_the_environment_and_the_profile_and_modes_are_checked() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/doorward");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("cli.toml");
        std::fs::write(
            &path,
            "[default]\napi_url = \"http://a\"\nservice_token = \"ta\"\n[profiles.b]\napi_url = \"http://b\"\n",
        )
        .unwrap();
        let home = home.path().display().to_string();
        let environment = |more: &[(&str, &str)]| {
            let pairs = more.iter().copied().chain([("HOME", home.as_str())]);
            Environment::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
        };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = find(&Connection::default(), &environment(&[])).err().unwrap().to_string();
        assert!(refused.contains("chmod 600") && !refused.contains("ta\""), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let found = find(&Connection::default(), &environment(&[])).unwrap();
        assert_eq!((found.url.as_deref(), found.is_explicit), (Some("http://a"), false));
        assert_eq!(found.token.unwrap().expose(), "ta");
        let like_others = "[profiles.default]\napi_url = \"http://d\"\nservice_token = \"td\"\n";
        let usual = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, like_others).unwrap();
        let found = find(&Connection::default(), &environment(&[])).unwrap();
        assert_eq!((found.url.as_deref(), found.token.unwrap().expose()), (Some("http://d"), "td"));
        std::fs::write(&path, usual).unwrap();
        let env = environment(&[("DOORWARD_URL", "http://e"), ("DOORWARD_SERVICE_TOKEN", "te")]);
        let found = find(&Connection::default(), &env).unwrap();
        assert_eq!((found.url.as_deref(), found.is_explicit), (Some("http://e"), true));
        let file = folder.join("token");
        std::fs::write(&file, "tf\n").unwrap();
        let flags = Connection { url: Some("http://f".to_owned()), token_file: Some(file), profile: None };
        let found = find(&flags, &env).unwrap();
        assert_eq!((found.url.as_deref(), found.token.unwrap().expose()), (Some("http://f"), "tf"));
        for (url, token) in [
            ("http://a/", Some("ta")),
            ("http://b", None),
            ("https://a", None),
            ("http://a:81", None),
            ("http://a@b", None),
        ] {
            let flags = Connection { url: Some(url.to_owned()), ..Connection::default() };
            let found = find(&flags, &environment(&[])).unwrap();
            assert_eq!(found.token.as_ref().map(SecretText::expose), token, "{url}");
            let found = find(&Connection::default(), &environment(&[("DOORWARD_URL", url)])).unwrap();
            assert_eq!(found.token.as_ref().map(SecretText::expose), token, "$DOORWARD_URL {url}");
        }
        let flags = Connection { profile: Some("b".to_owned()), ..Connection::default() };
        assert_eq!(find(&flags, &environment(&[])).unwrap().url.as_deref(), Some("http://b"));
        let flags = Connection { profile: Some("c".to_owned()), ..Connection::default() };
        assert!(find(&flags, &environment(&[])).is_err());
    }
}
