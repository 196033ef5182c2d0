//! The types that settings have beyond plain texts and numbers.

use std::{fmt, time::Duration};

use doorward_gateway::RouteSpec;
use doorward_proto::{secret::SecretText, time::Time};
use doorward_sdk::server::{
    certificate::{CertificateSpec, SubjectFrom},
    jwt::IssuerSpec,
};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    policies, redact,
    table::{Kind, Setting},
};

/// A lifetime or size of time, written with units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span(pub Duration);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Span {
    /// Reads `60s`, `10m`, `1h30m`, `7d`, `250ms`.
    ///
    /// # Errors
    /// What is wrong, in words for the operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a duration; write a number with a unit: 60s, 10m, 12h, 7d");
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(wrong)?;
            let number: u64 = number.parse().map_err(|_| wrong())?;
            total = number.checked_mul(*millis).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
            rest = tail.trim_start();
        }
        Ok(Self(Duration::from_millis(total)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in UNITS.iter().rev() {
            if rest >= *millis {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Setting for Span {
    const KIND: Kind = Kind::Duration;
}

impl Setting for SecretText {
    const KIND: Kind = Kind::Secret;
}

/// The bootstrap token: chosen by a person, so its length is checked.
#[derive(Clone)]
pub struct BootstrapToken(pub SecretText);

impl fmt::Debug for BootstrapToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for BootstrapToken {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = SecretText::deserialize(from)?;
        if text.expose().len() < 32 {
            return Err(D::Error::custom(
                "the bootstrap token is shorter than 32 bytes; make one with `doorward token generate`",
            ));
        }
        Ok(Self(text))
    }
}

impl Setting for BootstrapToken {
    const KIND: Kind = Kind::Secret;
}

/// The routes of the gateway, and the same as they are written.
#[derive(Debug, Clone, Default)]
pub struct Routes(pub Vec<RouteSpec>, pub Vec<serde_json::Map<String, serde_json::Value>>);

impl<'de> Deserialize<'de> for Routes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut written = Vec::<serde_json::Map<String, serde_json::Value>>::deserialize(from)?;
        for route in &mut written {
            policies::take(route).map_err(D::Error::custom)?;
        }
        let read = |one: &serde_json::Map<_, _>| serde_json::from_value(one.clone().into());
        let routes = written.iter().map(read).collect::<Result<_, _>>().map_err(D::Error::custom)?;
        Ok(Self(routes, written))
    }
}

impl Setting for Routes {
    const KIND: Kind = Kind::Tables;
}

/// Issuers whose JWTs are believed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Issuers(pub Vec<IssuerSpec>);

impl Setting for Issuers {
    const KIND: Kind = Kind::Tables;
}

/// Whose client certificates are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Holders(pub Vec<CertificateSpec>);

impl Setting for Holders {
    const KIND: Kind = Kind::Tables;
}

impl Setting for SubjectFrom {
    const KIND: Kind = Kind::OneOf(&["spiffe", "uri", "dns", "email", "dn"]);
}

/// A port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port(pub u16);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(from)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse().map(Self).map_err(|_| D::Error::custom(format!("`{text}` is no port; write 8443")))
    }
}

/// Seconds, perhaps with a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seconds(pub f64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(from)?;
        let text = match &value {
            toml::Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
        seconds
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no time; write seconds, such as 5.0")))
    }
}

impl Setting for Seconds {
    const KIND: Kind = Kind::Text;
}

/// An instant: RFC 3339, or seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Time);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(from)?;
        let text = match &value {
            toml::Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        if let Ok(seconds) = text.parse::<i64>() {
            return Ok(Self(Time::from_seconds(seconds)));
        }
        text.parse().map(Self).map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is not a time; write 2026-05-01T12:00:00Z or seconds since 1970"
            ))
        })
    }
}

impl Setting for Instant {
    const KIND: Kind = Kind::Instant;
}

/// An address of the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(pub url::Url);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        url::Url::parse(text.trim()).map(Self).map_err(|error| {
            let shown = redact::address(&text);
            D::Error::custom(format!(
                "`{shown}` is no address of the web ({error}); write https://example.com/path"
            ))
        })
    }
}

impl Setting for Address {
    const KIND: Kind = Kind::Url;
}

/// A network, in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(pub ipnet::IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.trim().parse().map(Self).map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is no network; write 10.0.0.0/8 or fd00::/8, and one address as 10.0.0.1/32 or ::1/128"
            ))
        })
    }
}

/// The address under which everybody reaches the server; the issuer, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(pub url::Url);

impl PublicUrl {
    /// Reads `https://id.example.com`.
    ///
    /// # Errors
    /// What is wrong, in words for the operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let shown = redact::address(text);
        let url = url::Url::parse(text).map_err(|error| format!("`{shown}`: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("`{shown}` must begin with https:// (or http:// on this machine)"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must have neither a query nor a fragment".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password".to_owned());
        }
        if url.path() != "/" {
            return Err(format!(
                "`{shown}` has a path, and Doorward answers at the top of a host only; give it one of its own, such \
                 as https://id.{}",
                url.host_str().unwrap_or("example.com")
            ));
        }
        let read = Self(url);
        // Applications compare issuers letter by letter.
        if text != read.issuer() {
            return Err(format!("the issuer is used exactly as it is written; write `{}`", read.issuer()));
        }
        Ok(read)
    }

    /// The issuer: the address without a trailing slash.
    pub fn issuer(&self) -> String {
        self.0.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether it is https.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the host is this machine, by name or by address.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Setting for PublicUrl {
    const KIND: Kind = Kind::Url;
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)* }

        impl Setting for $name {
            const KIND: Kind = Kind::OneOf(&[$($word),*]);
        }
    )*};
}

words! {
    /// How log lines are written.
    LogFormat {
        /// Text on a terminal, JSON else.
        #[default]
        Auto = "auto",
        /// A line for people.
        Text = "text",
        /// A JSON object per line.
        Json = "json",
    }
    /// From which severity on log lines are written.
    LogLevel {
        /// Only what is broken.
        Error = "error",
        /// What should be looked at, too.
        Warn = "warn",
        /// Starts, stops and a line for each request, too.
        #[default]
        Info = "info",
        /// The steps of authentication, too; secrets stay masked.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
    /// Who may register.
    SignUpMode {
        /// Anybody.
        #[default]
        Open = "open",
        /// Who is invited to an organisation.
        Invited = "invited",
        /// Nobody.
        Closed = "closed",
    }
    /// Who makes organisations.
    OrgMakers {
        /// Anybody with an account.
        #[default]
        People = "people",
        /// Only who administers the instance.
        Administrators = "administrators",
    }
    /// Which part of Doorward runs.
    Role {
        /// The identity provider with its gateway.
        #[default]
        All = "all",
        /// The identity provider alone.
        Idp = "idp",
        /// The gateway alone, without a database.
        Gateway = "gateway",
    }
    /// In which header trusted proxies tell the certificates of their clients.
    ClientCertHeader {
        /// In none.
        #[default]
        Off = "off",
        /// `Client-Cert` (RFC 9440).
        ClientCert = "client-cert",
        /// Envoy's `x-forwarded-client-cert`.
        Xfcc = "xfcc",
    }
    /// Whether the gateway needs a credential.
    AuthMode {
        /// Always.
        #[default]
        Required = "required",
        /// No; but one that is presented must be good, and counts.
        Optional = "optional",
        /// No; what is presented is not looked at.
        Disabled = "disabled",
    }
    /// Where known passwords are looked up.
    BreachCheck {
        /// Nowhere.
        Off = "off",
        /// In the list that ships with Doorward.
        #[default]
        Offline = "offline",
        /// In that list and at `password.breach_api`.
        RangeApi = "range-api",
    }
    /// What happens when the range API does not answer.
    BreachFailure {
        /// The offline list decides.
        #[default]
        Open = "open",
        /// The password is refused.
        Closed = "closed",
    }
}
