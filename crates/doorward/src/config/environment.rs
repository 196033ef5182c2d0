//! The environment, read once and looked up in the table of keys.

use std::{collections::BTreeMap, path::Path};

use super::{ConfigError, KEYS, Layer, Origin, Set, nearest, table::Key};

const OURS: &str = "DOORWARD_";
/// The names of the predecessor that users' deployments hold; the rest is the same.
const ALIAS: (&str, &str) = ("ORCHEO_AUTH_", "DOORWARD_AUTH_");
/// Names from elsewhere that mean one of our keys.
const HISTORIC: [(&str, &str); 1] = [("LOG_LEVEL", "log.level")];
/// Names the configuration file.
pub(super) const FILE: &str = "DOORWARD_CONFIG";
/// Variables of the command line, which are not settings of a server.
const OTHERS: [&str; 5] =
    ["DOORWARD_URL", "DOORWARD_SERVICE_TOKEN", "DOORWARD_TOKEN_FILE", "DOORWARD_PROFILE", FILE];

/// Environment variables as they were at start.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process; names and values that are not UTF-8 are left out.
    pub fn of_this_process() -> Self {
        Self::from_pairs(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// An environment made of these pairs. An empty value counts as unset.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// One variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn port(&self) -> Result<Option<u16>, ConfigError> {
        let Some(text) = self.get("PORT") else { return Ok(None) };
        text.parse().map(Some).map_err(|_| ConfigError(format!("$PORT: `{text}` is not a port")))
    }

    /// What the environment sets, and warnings about names that mean nothing.
    pub(super) fn layer(&self) -> Result<(Layer, Vec<String>), ConfigError> {
        let (mut layer, mut warnings) = (Layer::new(), Vec::new());
        for (theirs, name) in HISTORIC {
            if let (Some(text), Some(key)) = (self.get(theirs), super::find(name))
                && let Ok(value) = key.parse(&text.to_ascii_lowercase())
            {
                layer.insert(key.name, Set { value, origin: Origin::Environment(theirs.to_owned()) });
            }
        }
        let aliased = self.0.iter().filter_map(|(name, text)| {
            Some((name, format!("{}{}", ALIAS.1, name.strip_prefix(ALIAS.0)?), text))
        });
        let ours = self
            .0
            .iter()
            .filter(|(name, _)| name.starts_with(OURS) && !OTHERS.contains(&name.as_str()))
            .map(|(name, text)| (name, name.clone(), text));
        for (name, known_as, text) in aliased.chain(ours) {
            match read(&known_as, text) {
                None => warnings.push(unknown(name)),
                Some(Err(why)) => return Err(ConfigError(format!("${name}: {why}"))),
                Some(Ok((key, value))) => {
                    layer.insert(key.name, Set { value, origin: Origin::Environment(name.clone()) });
                }
            }
        }
        for key in KEYS.iter().filter(|key| key.is_secret()) {
            let (plain, file) = (key.variable(), format!("{}_FILE", key.variable()));
            let both = self.get(&plain).is_some() && self.get(&file).is_some();
            if both && super::find(&format!("{}_file", key.name)).is_none() {
                return Err(ConfigError(format!("${plain} and ${file} are both set; keep one")));
            }
        }
        Ok((layer, warnings))
    }
}

type Read = Result<(&'static Key, toml::Value), String>;

fn read(variable: &str, text: &str) -> Option<Read> {
    if let Some(key) = KEYS.iter().find(|key| key.variable() == variable) {
        return Some(key.parse(text).map(|value| (key, value)));
    }
    let base = variable.strip_suffix("_FILE")?;
    let key = KEYS.iter().find(|key| key.is_secret() && key.variable() == base)?;
    Some(read_secret(key, Path::new(text)).map(|value| (key, value)))
}

/// Reads a secret from a file; a line break at its end does not count.
pub(super) fn read_secret(key: &Key, path: &Path) -> Result<toml::Value, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    key.parse(text.trim_end_matches(['\n', '\r']))
}

fn unknown(name: &str) -> String {
    let variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let nearest = nearest(name, variables.iter().map(String::as_str));
    format!("${name} means nothing; the nearest is ${nearest}")
}
