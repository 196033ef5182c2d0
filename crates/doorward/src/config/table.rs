//! The one table of settings: a line per key, from which the structs, the environment names, the
//! defaults, the schema and the reference page all follow.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::redact;

/// What a key's value looks like when it is written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// Any text.
    Text,
    /// Text that is never shown; may also come from a file.
    Secret,
    /// A number with a unit: `60s`, `10m`, `7d`, `1h30m`.
    Duration,
    /// A path in the file system.
    Path,
    /// An address of the web.
    Url,
    /// An instant: RFC 3339 or seconds since 1970.
    Instant,
    /// Several texts; commas or spaces between them in the environment.
    List,
    /// Tables; JSON in the environment.
    Tables,
    /// One word of these.
    OneOf(&'static [&'static str]),
}

/// A type that a setting can have.
pub(super) trait Setting: DeserializeOwned {
    /// How its value is written.
    const KIND: Kind;
}

macro_rules! kinds {
    ($($type:ty => $kind:ident),* $(,)?) => { $(impl Setting for $type { const KIND: Kind = Kind::$kind; })* };
}

kinds! {
    bool => Bool, u8 => Integer, u16 => Integer, u32 => Integer, usize => Integer,
    String => Text, PathBuf => Path,
}

impl<T: Setting> Setting for Option<T> {
    const KIND: Kind = T::KIND;
}

impl<T: DeserializeOwned> Setting for Vec<T> {
    const KIND: Kind = Kind::List;
}

/// One key of the configuration.
pub struct Key {
    /// `tokens.access_ttl`, or `listen` for a key outside any section.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// The default as text; empty when there is none.
    pub default: &'static str,
    /// What it is for, from its doc comment.
    pub about: &'static str,
    pub(super) check: fn(toml::Value) -> Result<(), String>,
}

impl Key {
    /// The section; empty outside any.
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// The name within the section.
    pub fn leaf(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, leaf)| leaf)
    }

    /// The environment variable: `DOORWARD_TOKENS_ACCESS_TTL`.
    pub fn variable(&self) -> String {
        format!("DOORWARD_{}", self.name.replace('.', "_").to_ascii_uppercase())
    }

    /// Whether its value must never be shown.
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// Whether its values are, or may be, addresses of the web.
    pub(super) fn holds_addresses(&self) -> bool {
        matches!(self.kind, Kind::Url | Kind::List)
    }

    /// Reads the value from text, as an environment variable or a flag gives it.
    pub(super) fn parse(&self, text: &str) -> Result<toml::Value, String> {
        let value: toml::Value = match self.kind {
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => true.into(),
                "false" | "0" | "no" | "off" => false.into(),
                _ => return Err("expected true or false".to_owned()),
            },
            Kind::Integer => {
                text.trim().parse::<i64>().map_err(|_| "expected a whole number".to_owned())?.into()
            }
            Kind::List if is_json(text) => serde_json::from_str::<Vec<String>>(text)
                .map_err(|error| {
                    format!("expected names with commas between them, or a JSON list ({error})")
                })?
                .into(),
            Kind::List => text
                .split([',', ' ', '\n', '\t'])
                .filter(|item| !item.is_empty())
                .map(|item| toml::Value::from(item.trim()))
                .collect::<Vec<_>>()
                .into(),
            Kind::Tables if text.trim().is_empty() => toml::Value::Array(Vec::new()),
            Kind::Tables => serde_json::from_str(text)
                .map_err(|error| format!("expected a JSON array of objects ({error})"))?,
            _ => text.into(),
        };
        self.validate(value.clone())?;
        Ok(value)
    }

    /// Whether the setting's type takes this value. The answer never repeats a secret, nor what may be one
    /// in an address.
    pub(super) fn validate(&self, value: toml::Value) -> Result<(), String> {
        if let Some(expected) = self.kind.misfit(&value) {
            return Err(expected.replace("{name}", self.name));
        }
        (self.check)(value.clone()).map_err(|message| {
            if self.is_secret() && !message.starts_with("the ") {
                "expected a text".to_owned()
            } else {
                redact::message(message, &value)
            }
        })
    }
}

impl Kind {
    /// What is expected where a value of the file is not even of the right sort.
    fn misfit(self, value: &toml::Value) -> Option<&'static str> {
        match self {
            Self::List if !value.is_array() => Some("expected a list: [\"…\", \"…\"]"),
            Self::Tables if !value.is_array() => Some("expected tables, each under a line [[{name}]]"),
            Self::Duration if !value.is_str() => {
                Some("expected a number with its unit in quotes: \"60s\", \"10m\", \"7d\"")
            }
            Self::Bool if !value.is_bool() => Some("expected true or false, without quotes"),
            Self::Integer if !value.is_integer() => Some("expected a whole number, without quotes"),
            _ => None,
        }
    }
}

/// The refusal names the member at fault of a table.
pub(super) fn check<T: Setting>(value: toml::Value) -> Result<(), String> {
    serde_path_to_error::deserialize::<_, T>(value).map(drop).map_err(|error| {
        let path = error.path().to_string();
        let member = path.split_once("].").map(|(_, member)| format!("{member}: ")).unwrap_or_default();
        format!("{member}{}", error.inner().message().trim())
    })
}

/// Declares the configuration: `key: Type = "default"` with a doc comment each.
macro_rules! sections {
    (
        $(#[doc = $rootdoc:literal])*
        root { $($(#[doc = $rdoc:literal])* $rkey:ident: $rtype:ty = $rdefault:literal;)* }
        $($(#[doc = $sdoc:literal])* $section:ident: $struct:ident {
            $($(#[doc = $doc:literal])* $key:ident: $type:ty = $default:literal;)*
        })*
    ) => {
        $(#[doc = $rootdoc])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Config {
            $($(#[doc = $rdoc])* #[serde(default)] pub $rkey: $rtype,)*
            $($(#[doc = $sdoc])* pub $section: $struct,)*
        }

        $(
            $(#[doc = $sdoc])*
            #[derive(Debug, Clone, serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $struct { $($(#[doc = $doc])* #[serde(default)] pub $key: $type,)* }
        )*

        /// Every key, in the order of the documentation.
        pub const KEYS: &[Key] = &[
            $(Key {
                name: stringify!($rkey),
                kind: <$rtype as Setting>::KIND,
                default: $rdefault,
                about: concat!($($rdoc),*),
                check: check::<$rtype>,
            },)*
            $($(Key {
                name: concat!(stringify!($section), ".", stringify!($key)),
                kind: <$type as Setting>::KIND,
                default: $default,
                about: concat!($($doc),*),
                check: check::<$type>,
            },)*)*
        ];

        /// Every section with what it is for, in the order of the documentation.
        pub const SECTIONS: &[(&str, &str)] = &[
            ("", "Keys outside any section; in the file they come first."),
            $((stringify!($section), concat!($($sdoc),*)),)*
        ];
    };
}
pub(super) use sections;

/// Whether a list is written in JSON, as the library takes it too. `[::1]:8080` is an address.
fn is_json(text: &str) -> bool {
    text.trim().strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['"', ']']))
}
