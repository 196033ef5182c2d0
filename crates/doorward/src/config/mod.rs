//! The configuration: flag, environment, file, default, in that order (INTERFACE 3).
//!
//! [`KEYS`] is the one table. Everything that reads, shows or documents a setting goes through it by
//! look-up; nothing here knows a key by hand but the historic name in `environment`.

mod checks;
mod environment;
mod file;
mod keys;
mod policies;
mod redact;
mod reference;
mod settings;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub(crate) use checks::exposure;
pub use checks::{Concern, concerns};
pub use environment::Environment;
pub use keys::{Config, KEYS, SECTIONS};
pub use reference::{markdown, schema};
pub use settings::core_settings;
pub use table::{Key, Kind};
pub use values::{AuthMode, ClientCertHeader, LogFormat, LogLevel, Port, PublicUrl, Role, Span};

/// The file that is read when none is named and it exists.
pub const DEFAULT_FILE: &str = "doorward.toml";

/// What is wrong with the configuration, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A file, with the line.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// A flag of the command.
    Flag,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A value and where it came from.
#[derive(Clone)]
pub(crate) struct Set {
    pub(crate) value: toml::Value,
    pub(crate) origin: Origin,
}

/// Values by key name; a later layer replaces an earlier one.
pub(crate) type Layer = BTreeMap<&'static str, Set>;

/// Where to read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`; without it, `DOORWARD_CONFIG` may name one.
    pub file: Option<PathBuf>,
    /// `--set key=value` and the flags that stand for keys.
    pub flags: Vec<(String, String)>,
}

/// A configuration that was read, with where each value came from.
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// What was not understood but does no harm.
    pub warnings: Vec<String>,
    values: Layer,
    sources: Sources,
}

impl Loaded {
    /// Reads every source.
    ///
    /// # Errors
    /// What is wrong and where: the file with line and column, the variable, or the flag.
    pub fn read(sources: &Sources, environment: &Environment) -> Result<Self, ConfigError> {
        let mut values = defaults()?;
        let named = sources.file.clone().or_else(|| environment.get(environment::FILE).map(PathBuf::from));
        let file = named.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()));
        if let Some(path) = file {
            values.extend(file::read(&path)?);
        }
        let (from_environment, warnings) = environment.layer()?;
        let port = environment.port()?;
        values.extend(from_environment);
        for (name, text) in &sources.flags {
            let key = find(name).ok_or_else(|| ConfigError(unknown(name)))?;
            let value = key.parse(text).map_err(|why| ConfigError(format!("--set {name}: {why}")))?;
            values.insert(key.name, Set { value, origin: Origin::Flag });
        }
        let config = build(&values)?;
        let mut loaded = Self { config, warnings, values, sources: sources.clone() };
        if let Some(port) = port.filter(|_| loaded.origin("listen") == &Origin::Default) {
            for address in &mut loaded.config.listen {
                address.set_port(port);
            }
            if let Some(set) = loaded.values.get_mut("listen") {
                let listen: Vec<String> = loaded.config.listen.iter().map(ToString::to_string).collect();
                *set = Set { value: listen.into(), origin: Origin::Environment("PORT".to_owned()) };
            }
        }
        Ok(loaded)
    }

    /// Reads the same sources again, as they are now.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn again(&self) -> Result<Self, ConfigError> {
        Self::read(&self.sources, &Environment::of_this_process())
    }

    /// Where a key's value came from.
    pub fn origin(&self, name: &str) -> &Origin {
        self.values.get(name).map_or(&Origin::Default, |set| &set.origin)
    }

    /// A key's value for showing: secrets masked, addresses without what may be a credential, empty when
    /// unset.
    pub fn shown(&self, key: &Key) -> String {
        match self.values.get(key.name).map(|set| &set.value) {
            None => String::new(),
            Some(_) if key.is_secret() => "********".to_owned(),
            Some(value) => plain(value, if key.holds_addresses() { redact::address } else { redact::text }),
        }
    }

    /// How many tables a key holds.
    pub fn tables(&self, key: &Key) -> usize {
        self.values.get(key.name).and_then(|set| set.value.as_array()).map_or(0, Vec::len)
    }

    /// The folder of data.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }
}

/// A value as an environment variable would hold it, with its texts as they may be shown.
fn plain(value: &toml::Value, shown: fn(&str) -> String) -> String {
    match value {
        toml::Value::String(text) => shown(text),
        toml::Value::Array(items) => {
            items.iter().map(|item| plain(item, shown)).collect::<Vec<_>>().join(",")
        }
        toml::Value::Table(members) => {
            let member = |(name, value): (&String, &toml::Value)| {
                let value = if is_secret(name) { "********".to_owned() } else { plain(value, shown) };
                format!("{name} = {value}")
            };
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether a member of a table holds a secret by its name; the path of a file and an address do not.
fn is_secret(name: &str) -> bool {
    let names = ["secret", "password", "token", "credential"];
    names.iter().any(|word| name.contains(word)) && !name.ends_with("_file") && !name.ends_with("_url")
}

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

fn defaults() -> Result<Layer, ConfigError> {
    KEYS.iter()
        .filter(|key| !key.default.is_empty())
        .map(|key| {
            let value = key
                .parse(key.default)
                .map_err(|why| ConfigError(format!("the default of {}: {why}", key.name)))?;
            Ok((key.name, Set { value, origin: Origin::Default }))
        })
        .collect()
}

fn build(values: &Layer) -> Result<Config, ConfigError> {
    let mut root = toml::Table::new();
    for (section, _) in SECTIONS.iter().filter(|(section, _)| !section.is_empty()) {
        root.insert((*section).to_owned(), toml::Table::new().into());
    }
    for (name, set) in values {
        match name.split_once('.') {
            None => {
                root.insert((*name).to_owned(), set.value.clone());
            }
            Some((section, leaf)) => {
                if let Some(toml::Value::Table(table)) = root.get_mut(section) {
                    table.insert(leaf.to_owned(), set.value.clone());
                }
            }
        }
    }
    toml::Value::Table(root).try_into().map_err(|error| ConfigError(error.message().to_owned()))
}

/// The sentence about a name that is no key.
pub(crate) fn unknown(name: &str) -> String {
    if SECTIONS.iter().any(|(section, _)| *section == name) {
        return format!("`{name}` is a section, not a setting: write [{name}] and its settings below");
    }
    let elsewhere = KEYS.iter().find(|key| key.leaf() == name).map(|key| key.name);
    let nearest = elsewhere.unwrap_or_else(|| nearest(name, KEYS.iter().map(|key| key.name)));
    format!("there is no setting `{name}`; the nearest is `{nearest}`")
}

/// The candidate that takes the fewest edits.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> &'a str {
    candidates.min_by_key(|candidate| distance(name, candidate)).unwrap_or_default()
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut next = vec![i + 1];
        for (b, (above, diagonal)) in right.iter().zip(row.iter().skip(1).zip(&row)) {
            let beside = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(a != *b)).min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
