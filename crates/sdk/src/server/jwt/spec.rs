//! An issuer as it is written in a configuration.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use doorward_judge::IdentityType;
use doorward_proto::{
    jose::{Alg, KeySet, SharedSecret},
    secret::SecretText,
};
use serde::Deserialize;

use super::{
    Issuer,
    by_kid::{ByKid, KID},
    file::Filed,
    front,
    keys::{Format, How, Keys, Place, Published},
    review::Reviewer,
    workload::{IssuerKind, Workloads},
};
use crate::fetch::{Access, Fetch};

/// The issuer of a cluster that was not told another, as its pods reach it.
const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";
/// How names of it begin.
const IN_CLUSTER: &str = "https://kubernetes.default.svc";
/// Where a pod finds the authorities of its cluster, and who it is.
const CLUSTER_CA: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
const CLUSTER_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const GOOGLE: &str = "https://accounts.google.com";

/// How a certificate begins.
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// An issuer whose JWTs are believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IssuerSpec {
    /// What it is: `jwt`, `kubernetes`, `gcp` or `spiffe`.
    pub kind: IssuerKind,
    /// Its names, as `iss` has them, exactly. Empty: whatever `iss` says, or does not; only for keys and secrets
    /// that are used by nobody else.
    #[serde(deserialize_with = "one_or_more")]
    pub issuer: Vec<String>,
    /// Where it publishes its keys. Without this, keys and secret: as its discovery document says.
    pub jwks_url: Option<String>,
    /// The header in which a managed proxy in front sends its tokens. They count there alone, and from trusted proxies
    /// alone, and no others count there.
    pub header: Option<String>,
    /// Where it publishes each of its keys as PEM, `{kid}` standing for the name: load balancers of AWS do so.
    pub keys_url: Option<String>,
    /// The load balancer that has to have signed, as the member `signer` of a token's header names it.
    pub signer: Option<String>,
    /// Its keys themselves, as a JWK Set.
    #[serde(deserialize_with = "text_or_object")]
    pub jwks_static: Option<String>,
    /// A file with its keys, as a JWK Set or, of a trust domain, as a bundle; read again when it has changed.
    pub jwks_file: Option<PathBuf>,
    /// The API server of a cluster, which is asked about each token in place of reading keys. For `kubernetes` alone.
    pub token_review_url: Option<String>,
    /// A file with the certificate authorities, PEM, of who publishes its keys, or reviews its tokens; no other is
    /// believed there.
    pub ca_file: Option<PathBuf>,
    /// A file with the token to show where its keys are read, or its tokens reviewed; read each time.
    pub token_file: Option<PathBuf>,
    /// The trust domain: `example.org`. For `spiffe` alone.
    pub trust_domain: Option<String>,
    /// Which workloads: `NAMESPACE/NAME` of Kubernetes, mail addresses of Google Cloud, SPIFFE ids; `*` for a whole
    /// part. Empty: all of them.
    pub workloads: Vec<String>,
    /// What its workloads may do.
    pub scopes: Vec<String>,
    /// Where.
    pub workspaces: Vec<String>,
    /// A secret that it shares with us, of at least 32 bytes: HS256.
    pub jwt_secret: Option<SecretText>,
    /// The algorithms that are accepted. Empty: all that its keys and its secret are for.
    pub allowed_algorithms: Vec<String>,
    /// For how many seconds keys that were read are used; less where the issuer says so.
    pub jwks_cache_ttl: u64,
    /// Seconds within which the issuer has to answer.
    pub jwks_timeout: f64,
    /// Accepts tokens whoever they were issued for.
    pub any_audience: bool,
    /// Accepts ID tokens.
    pub id_tokens: bool,
    /// What its subjects are, whatever the tokens say: `user`, `service` or `agent`.
    pub identity_type: Option<IdentityType>,
}

impl Default for IssuerSpec {
    fn default() -> Self {
        Self {
            kind: IssuerKind::default(),
            issuer: Vec::new(),
            jwks_url: None,
            header: None,
            keys_url: None,
            signer: None,
            jwks_static: None,
            jwks_file: None,
            token_review_url: None,
            ca_file: None,
            token_file: None,
            trust_domain: None,
            workloads: Vec::new(),
            scopes: Vec::new(),
            workspaces: Vec::new(),
            jwt_secret: None,
            allowed_algorithms: Vec::new(),
            jwks_cache_ttl: 300,
            jwks_timeout: 5.0,
            any_audience: false,
            id_tokens: false,
            identity_type: None,
        }
    }
}

/// Why an issuer makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issuer {issuer}: {field}: {what}")]
pub struct BadIssuer {
    /// Its name.
    pub issuer: String,
    /// The member.
    pub field: &'static str,
    /// What is wrong, in words for the operator.
    pub what: String,
}

impl IssuerSpec {
    /// Whether it is believed whatever the tokens say of who issued them.
    pub fn is_for_any_issuer(&self) -> bool {
        self.issuer.is_empty() && self.kind == IssuerKind::Jwt
    }

    pub(super) fn compile(&self, fetch: &Arc<dyn Fetch>) -> Result<Issuer, BadIssuer> {
        let settled = self.settled();
        settled.check_access()?;
        settled.compiled(fetch)
    }

    /// With what goes without saying for its kind.
    fn settled(&self) -> Self {
        let mut spec = self.clone();
        match spec.kind {
            IssuerKind::Kubernetes => {
                let says_where =
                    spec.jwks_url.is_some() || spec.jwks_static.is_some() || spec.jwks_file.is_some();
                let name = || vec![CLUSTER.to_owned()];
                spec.issuer = Some(spec.issuer).filter(|names| !names.is_empty()).unwrap_or_else(name);
                let is_own = |name: &String| name.starts_with(IN_CLUSTER);
                let is_here =
                    spec.token_review_url.as_ref().map_or_else(|| spec.issuer.iter().all(is_own), is_own);
                if !says_where && is_here {
                    spec.ca_file.get_or_insert_with(|| CLUSTER_CA.into());
                    spec.token_file.get_or_insert_with(|| CLUSTER_TOKEN.into());
                }
            }
            IssuerKind::Gcp if spec.issuer.is_empty() => spec.issuer = vec![GOOGLE.to_owned()],
            IssuerKind::Jwt | IssuerKind::Gcp | IssuerKind::Spiffe => {}
        }
        spec
    }

    /// Whether what is shown to who publishes the keys is there, and goes anywhere.
    fn check_access(&self) -> Result<(), BadIssuer> {
        let is_fixed = self.jwks_static.is_some() || self.jwks_file.is_some();
        for (field, path) in [("ca_file", &self.ca_file), ("token_file", &self.token_file)] {
            let Some(path) = path else { continue };
            if is_fixed || (self.jwt_secret.is_some() && self.jwks_url.is_none()) {
                return Err(
                    self.wrong(field, "its keys are read from nobody; take this away, or name jwks_url")
                );
            }
            fs::metadata(path).map_err(|error| {
                let own = [CLUSTER_CA, CLUSTER_TOKEN].iter().any(|own| path == Path::new(own));
                let way = if own {
                    "; run in a pod with a service account, or name ca_file and token_file"
                } else {
                    ""
                };
                self.wrong(field, format!("cannot read {}: {error}{way}", path.display()))
            })?;
        }
        let access = self.access();
        access.authorization().map_err(|what| self.wrong("token_file", what))?;
        let authorities = access.authorities().map_err(|what| self.wrong("ca_file", what))?;
        if authorities.is_some_and(|pem| !pem.windows(PEM.len()).any(|part| part == PEM)) {
            return Err(self.wrong("ca_file", "there is no certificate in it; it has to be PEM"));
        }
        Ok(())
    }

    fn access(&self) -> Access {
        Access { ca_file: self.ca_file.clone(), token_file: self.token_file.clone() }
    }

    fn compiled(&self, fetch: &Arc<dyn Fetch>) -> Result<Issuer, BadIssuer> {
        let workloads = Workloads::of(self).map_err(|(field, what)| self.wrong(field, what))?;
        let secret = match &self.jwt_secret {
            Some(secret) => {
                let read = SharedSecret::new(secret.expose().as_bytes());
                Some(read.map_err(|error| self.wrong("jwt_secret", error.to_string()))?)
            }
            None => None,
        };
        let front = front::check(self).map_err(|(field, what)| self.wrong(field, what))?;
        let keys = self.keys(fetch)?;
        let algorithms = self.algorithms(&keys, secret.is_some())?;
        Ok(Issuer {
            names: self.issuer.clone(),
            keys,
            secret,
            algorithms,
            takes_any_audience: self.any_audience,
            takes_id_tokens: self.id_tokens,
            identity_type: self.identity_type,
            workloads,
            header: front,
            signer: self.signer.clone(),
        })
    }

    pub(crate) fn keys(&self, fetch: &Arc<dyn Fetch>) -> Result<Keys, BadIssuer> {
        if let Some(url) = &self.token_review_url {
            return self.reviewer(url, fetch);
        }
        if let Some(url) = &self.keys_url {
            let parts = front::around_kid(url).map_err(|what| self.wrong("keys_url", what))?;
            self.address("keys_url", (&url.replace(KID, "kid"), fetch))?;
            let keys = ByKid::new(parts, self.how(Format::Jwks)?, Arc::clone(fetch));
            return Ok(Keys::ByKid(Arc::new(keys)));
        }
        let format = if self.kind == IssuerKind::Spiffe { Format::Bundle } else { Format::Jwks };
        if let Some(path) = &self.jwks_file {
            if self.jwks_static.is_some() || self.jwks_url.is_some() {
                return Err(
                    self.wrong("jwks_file", "there is jwks_static or jwks_url, too; keep one of them")
                );
            }
            let read = Filed::open(path, format).map_err(|what| self.wrong("jwks_file", what))?;
            return Ok(Keys::Filed(Arc::new(read)));
        }
        let place = match (&self.jwks_static, &self.jwks_url) {
            (Some(_), Some(_)) => {
                return Err(self.wrong("jwks_static", "there is jwks_url, too; keep one of them"));
            }
            (Some(text), None) => {
                let read = format.read(text.as_bytes());
                let jwks = read.map_err(|error| self.wrong("jwks_static", error))?.jwks;
                let keys = KeySet::from_jwks(&jwks);
                if keys.is_empty() {
                    return Err(self.wrong("jwks_static", "it holds no key that can be used"));
                }
                return Ok(Keys::Fixed(Arc::new(keys)));
            }
            (None, Some(url)) => Place::Jwks(self.address("jwks_url", (url, fetch))?),
            (None, None) if self.jwt_secret.is_some() => return Ok(Keys::None),
            (None, None) => match self.issuer.as_slice() {
                [issuer] => Place::Discovery(self.address("issuer", (issuer, fetch))?),
                _ => {
                    return Err(self.wrong(
                        "jwks_url",
                        "name its keys, its secret, or one issuer that has a discovery document",
                    ));
                }
            },
        };
        Ok(Keys::Published(Arc::new(Published::new(place, self.how(format)?, Arc::clone(fetch)))))
    }

    fn how(&self, format: Format) -> Result<How, BadIssuer> {
        let (name, ttl) = (self.name().to_owned(), Duration::from_secs(self.jwks_cache_ttl));
        Ok(How { name, format, access: self.access(), ttl, timeout: self.timeout()? })
    }

    fn reviewer(&self, url: &str, fetch: &Arc<dyn Fetch>) -> Result<Keys, BadIssuer> {
        let field = "token_review_url";
        if self.kind != IssuerKind::Kubernetes {
            return Err(self.wrong(field, "it goes with the kind kubernetes"));
        }
        if self.jwks_url.is_some() || self.jwks_static.is_some() || self.jwks_file.is_some() {
            return Err(self.wrong(field, "there are keys, too; keep this or them"));
        }
        if self.token_file.is_none() {
            let what =
                "the API server reviews tokens for nobody without one of its own (system:auth-delegator)";
            return Err(self.wrong("token_file", what));
        }
        let server = self.address(field, (url, fetch))?;
        let reviewer = Reviewer::new(&server, self.access(), self.timeout()?, Arc::clone(fetch));
        Ok(Keys::Reviewed(Arc::new(reviewer)))
    }

    fn timeout(&self) -> Result<Duration, BadIssuer> {
        let timeout = Duration::try_from_secs_f64(self.jwks_timeout).ok().filter(|it| !it.is_zero());
        timeout.ok_or_else(|| self.wrong("jwks_timeout", "write seconds, such as 5.0"))
    }

    /// An address that is asked: one that would only be refused then is told before.
    fn address(
        &self,
        field: &'static str,
        (url, fetch): (&str, &Arc<dyn Fetch>),
    ) -> Result<String, BadIssuer> {
        let is_http = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let has_host =
            is_http.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']));
        if !has_host || url.contains(char::is_whitespace) {
            return Err(self.wrong(field, format!("`{url}` is no address of the web")));
        }
        fetch.takes(url).map_err(|why| self.wrong(field, format!("`{url}` is not asked: {why}")))?;
        Ok(url.to_owned())
    }

    fn algorithms(&self, keys: &Keys, has_secret: bool) -> Result<BTreeSet<String>, BadIssuer> {
        // JWT-SVID 2.1 knows no EdDSA.
        let is_known = |alg: &&Alg| match self.kind {
            IssuerKind::Spiffe => **alg != Alg::EdDSA,
            _ => self.keys_url.is_none() || **alg == Alg::ES256,
        };
        let published = Alg::FOREIGN.iter().filter(is_known).map(|alg| alg.as_str());
        let known: BTreeSet<&str> = published.clone().chain([SharedSecret::ALG]).collect();
        let has_keys = !matches!(keys, Keys::None);
        let possible: BTreeSet<&str> =
            published.filter(|_| has_keys).chain(Some(SharedSecret::ALG).filter(|_| has_secret)).collect();
        let names = |set: &BTreeSet<&str>| set.iter().copied().collect::<Vec<_>>().join(", ");
        if let Some(name) = self.allowed_algorithms.iter().find(|name| !known.contains(name.as_str())) {
            let what = format!("`{name}` is not one of {}", names(&known));
            return Err(self.wrong("allowed_algorithms", what));
        }
        let wanted = |name: &&str| {
            self.allowed_algorithms.is_empty() || self.allowed_algorithms.iter().any(|it| it == name)
        };
        let left: BTreeSet<&str> = possible.iter().copied().filter(wanted).collect();
        if left.is_empty() {
            let what = format!("its keys and its secret are for {}", names(&possible));
            return Err(self.wrong("allowed_algorithms", what));
        }
        Ok(left.into_iter().map(str::to_owned).collect())
    }

    fn wrong(&self, field: &'static str, what: impl Into<String>) -> BadIssuer {
        BadIssuer { issuer: self.name().to_owned(), field, what: what.into() }
    }

    fn name(&self) -> &str {
        self.issuer.first().or(self.trust_domain.as_ref()).map_or("(any)", String::as_str)
    }
}

fn one_or_more<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        More(Vec<String>),
    }
    let wrong = |_| serde::de::Error::custom("write one name, or a list of names");
    Ok(match Written::deserialize(from).map_err(wrong)? {
        Written::One(name) => vec![name],
        Written::More(names) => names,
    })
}

fn text_or_object<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<serde_json::Value>::deserialize(from)? {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) => Some(text),
        Some(object) => Some(object.to_string()),
    })
}
