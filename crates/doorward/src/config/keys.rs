//! Every setting there is: adding one is adding a line here, and using it.

use std::{net::SocketAddr, path::PathBuf};

use doorward_proto::secret::SecretText;
use doorward_sdk::server::certificate::SubjectFrom;

use super::{
    table::{Key, Setting, check, sections},
    values::{
        Address, AuthMode, BootstrapToken, BreachCheck, BreachFailure, ClientCertHeader, Holders, Instant,
        Issuers, LogFormat, LogLevel, Network, OrgMakers, Port, PublicUrl, Role, Routes, Seconds, SignUpMode,
        Span,
    },
};

sections! {
    /// What an operator has set, complete with defaults.
    root {
        /// The addresses to listen on. Port 0 takes a free one. `PORT` changes the port of all of them.
        listen: Vec<SocketAddr> = "127.0.0.1:8080, [::1]:8080";
        /// The address under which everybody reaches the server: the issuer, exactly, without a trailing
        /// slash. Without it: `http://localhost` with the port of the first listener.
        public_url: Option<PublicUrl> = "";
        /// Which part runs: `all`; `idp`, which guards no applications; or `gateway`, which only guards them, without
        /// a database and without a key that signs.
        role: Role = "all";
        /// The folder of the embedded database, the master key and the administration socket.
        data_dir: PathBuf = "./doorward-data";
        /// The master key itself, 32 bytes in base64 or hexadecimal. Without it, `master_key_file` holds it.
        master_key: Option<SecretText> = "";
        /// The file of the master key. Without it: `{data_dir}/master.key`, made at the first start.
        master_key_file: Option<PathBuf> = "";
        /// Networks of reverse proxies (CIDR) whose `Forwarded` and `X-Forwarded-For` headers count.
        trusted_proxies: Vec<Network> = "";
        /// Whether every connection begins with a PROXY protocol header (version 1 or 2), which says where it comes
        /// from: for a proxy of `trusted_proxies` that hands connections on as they are. Other connections are closed.
        proxy_protocol: bool = "false";
    }

    /// Where everything is kept.
    database: Database {
        /// `sqlite:///path/doorward.db` or `postgres://user:password@host/database`, with `?sslmode=` and
        /// `sslrootcert=` as libpq has them. Without it: `{data_dir}/doorward.db`.
        url: Option<SecretText> = "";
        /// The same PostgreSQL database without a pooler between, for hearing of changes at once. Without
        /// it, behind a pooler, other nodes' changes are seen once a second.
        direct_url: Option<SecretText> = "";
        /// Connections to PostgreSQL at the most.
        pool: usize = "10";
        /// Prepared statements per PostgreSQL connection. 0 behind a transaction pooler (PgBouncer):
        /// statements are then unnamed.
        statement_cache: u32 = "256";
    }

    /// Counters that several nodes share.
    redis: Redis {
        /// Where the limits of the gateway are counted: `redis://user:password@host:6379/0`, `rediss://` for TLS,
        /// `unix:///path`. Without it each node counts for itself; so it does while Redis is away.
        url: Option<SecretText> = "";
        /// Seconds that a request waits for it at the most; a Redis that takes longer is away.
        timeout: Seconds = "0.5";
    }

    /// HTTPS. Without a reverse proxy it needs a certificate; the files are read again when they change.
    tls: Tls {
        /// The certificate chain, PEM.
        cert: Option<PathBuf> = "";
        /// The private key, PEM.
        key: Option<PathBuf> = "";
        /// For how long browsers that came by https, here or through a proxy, insist on it for this host
        /// (HSTS). Zero takes that back.
        hsts: Span = "730d";
        /// Whether they insist on it for every host below this one, too.
        hsts_subdomains: bool = "false";
        /// The authorities of client certificates, PEM; read again when the file changes.
        client_ca: Option<PathBuf> = "";
        /// Lists of certificates that they have revoked, PEM; read again when the file changes.
        client_crl: Option<PathBuf> = "";
        /// Addresses to listen on for who shows a certificate of `tls.client_ca`, and nobody else.
        mtls_listen: Vec<SocketAddr> = "";
        /// In which header proxies of `trusted_proxies`, and this machine, tell the certificates of their clients:
        /// `off`, `client-cert` (RFC 9440) or `xfcc` (Envoy).
        client_cert_header: ClientCertHeader = "off";
    }

    /// What a safe start refuses, allowed by name. `doorward doctor` shows each.
    allow: Allow {
        /// Serve plain http beyond this machine, without a proxy in front that speaks https.
        plain_http: bool = "false";
        /// Let `cors.allowed_origins` hold `*`.
        any_origin: bool = "false";
        /// Let the gateway ask for no credential (`auth.mode`) where other machines can reach it.
        open_gateway: bool = "false";
        /// Believe JWTs of `auth.issuer` and `auth.issuers` whoever they were issued for.
        any_audience: bool = "false";
        /// Believe JWTs that a key or secret of `auth.*` has signed, whoever they say issued them.
        any_issuer: bool = "false";
        /// Let URLs that clients supply reach private addresses and plain http, and keys of issuers be read over plain
        /// http (development).
        private_fetch: bool = "false";
    }

    /// Which other sites' scripts may read answers.
    cors: Cors {
        /// Origins: `https://app.example.com`.
        allowed_origins: Vec<String> = "";
    }

    /// Whom to tell of weaknesses.
    security: Security {
        /// Where weaknesses are reported, as `mailto:security@example.com` or `https://example.com/report`;
        /// `/.well-known/security.txt` (RFC 9116) names them. Without any there is no such file.
        contact: Vec<String> = "";
    }

    /// What domains of organisations say of themselves.
    dns: Dns {
        /// The name server that is asked, `192.0.2.53:53`. Without it: those that the machine asks.
        resolver: Option<SocketAddr> = "";
    }

    /// Outgoing mail. Without `mail.url`, mails wait in the outbox: `doorward mail list`.
    mail: Mail {
        /// `smtp://user:password@host:587` (STARTTLS) or `smtps://user:password@host:465`.
        url: Option<SecretText> = "";
        /// The sender.
        from: String = "Doorward <no-reply@localhost>";
        /// How long links in mails work.
        link_ttl: Span = "1h";
    }

    /// Who may register.
    sign_up: SignUp {
        /// Anybody (`open`), who is invited to an organisation (`invited`), or nobody (`closed`).
        mode: SignUpMode = "open";
        /// When set, only mail addresses of these domains.
        allowed_domains: Vec<String> = "";
        /// The organisation that newcomers join, by id or short name.
        default_org: Option<String> = "";
        /// How long somebody who began without an account is kept without being seen.
        anonymous_kept: Span = "90d";
    }

    /// Organisations.
    orgs: Orgs {
        /// Who makes them: anybody with an account (`people`), or `administrators` of the instance only.
        create: OrgMakers = "people";
        /// Permissions that organisations may put into their roles beside the scopes of their own APIs; a `*`
        /// at the end stands for anything. Whoever makes an organisation can give itself these.
        permissions: Vec<String> = "";
        /// How long an invitation is open.
        invitation_ttl: Span = "7d";
    }

    /// What a password must be.
    password: Password {
        /// Characters at least.
        min_length: usize = "8";
        /// Strength at least, 0 to 4 as zxcvbn counts.
        min_strength: u8 = "3";
        /// Where passwords from break-ins are looked up.
        breach_check: BreachCheck = "offline";
        /// A k-anonymous range API; the first five digits of the SHA-1 are appended.
        breach_api: Option<Address> = "";
        /// What happens while the range API does not answer: `open` lets the offline list decide,
        /// `closed` refuses the password.
        breach_failure: BreachFailure = "open";
    }

    /// How long people stay signed in.
    session: Session {
        /// Without use.
        idle: Span = "7d";
        /// In all.
        absolute: Span = "30d";
    }

    /// Lifetimes of codes and tokens; clients and APIs may override some.
    tokens: Tokens {
        /// Authorization codes.
        code_ttl: Span = "60s";
        /// Access tokens.
        access_ttl: Span = "10m";
        /// ID tokens.
        id_ttl: Span = "10m";
        /// A refresh token that is not used for this long ends.
        refresh_ttl: Span = "30d";
        /// A family of refresh tokens ends after this, used or not.
        refresh_absolute: Span = "90d";
        /// A used refresh token answers with the same successor for this long.
        refresh_reuse_window: Span = "45s";
    }

    /// Signing keys.
    keys: Keys {
        /// A key signs for this long.
        rotation: Span = "90d";
        /// A retired key stays published for this long.
        overlap: Span = "30d";
        /// A key is published this long before it signs.
        publish_ahead: Span = "24h";
    }

    /// Personal keys and API keys.
    api_keys: ApiKeys {
        /// A key lives for this long at the most, and unless less is asked for.
        max_lifetime: Span = "365d";
        /// Scopes and permissions that people may give keys of their own, beside `me:read` and `me:write`.
        /// Administrators may give any.
        personal_scopes: Vec<String> = "";
    }

    /// Service tokens.
    service_tokens: ServiceTokens {
        /// Whoever answers for a service token is asked after this long whether it is needed still; `0s` for never.
        review_every: Span = "90d";
        /// And after this long without a rotation to rotate one that does not end by itself, 30 to 60 days as a
        /// rule; `0s` for never.
        rotate_every: Span = "60d";
    }

    /// The audit trail.
    audit: Audit {
        /// Months that are older are dropped whole, behind a signed checkpoint.
        retention: Span = "730d";
    }

    /// How much was used.
    usage: Usage {
        /// Hours that are older are dropped.
        retention: Span = "400d";
    }

    /// The first credential of a fresh server. `ORCHEO_AUTH_…` names are read as well.
    auth: Auth {
        /// Whether the gateway needs a credential where no route says so: `required`, `optional` (one that is
        /// presented must be good), `disabled`.
        mode: AuthMode = "required";
        /// For whom tokens must have been issued (`aud`) where no route says so. Without it: the issuer.
        audience: Vec<String> = "";
        /// The name of another issuer whose JWTs the gateway believes, exactly as `iss` has it. Without a secret
        /// and keys of its own here, its discovery document says where its keys are.
        issuer: Vec<String> = "";
        /// Where that issuer publishes its keys (JWK Set).
        jwks_url: Option<String> = "";
        /// Its keys themselves, as a JWK Set.
        jwks_static: Option<String> = "";
        /// The same under another name.
        jwks: Option<String> = "";
        /// A secret of at least 32 bytes that it shares with us (HS256).
        jwt_secret: Option<SecretText> = "";
        /// The algorithms that are accepted from it. Without it: those that its keys and secret are for.
        allowed_algorithms: Vec<String> = "";
        /// For how many seconds its keys are used until they are read again; less where it says so.
        jwks_cache_ttl: u32 = "300";
        /// Seconds within which it has to answer.
        jwks_timeout: Seconds = "5.0";
        /// More issuers, a table each: `issuer`, and `jwks_url`, `jwks_static`, `jwt_secret`,
        /// `allowed_algorithms`, `jwks_cache_ttl`, `jwks_timeout`, `any_audience`, `id_tokens`, `identity_type`;
        /// `jwks_file` for keys in a file, `ca_file` and `token_file` for who publishes them. Workloads have a `kind`,
        /// `kubernetes`, `gcp` or `spiffe`, with `trust_domain`, `workloads`, `scopes`, `workspaces`;
        /// `token_review_url` is the API server of a cluster that is asked about each token.
        issuers: Issuers = "";
        /// Whose client certificates are, a table each: `spiffe`, `dns`, `uri`, `email`, `dn`, `issuer` say which;
        /// `subject`, `identity_type`, `scopes`, `permissions`, `workspaces`, `organization`, `role` who that is.
        certificates: Holders = "";
        /// Where a certificate says who it is, when no table of `auth.certificates` does.
        certificate_subject: SubjectFrom = "spiffe";
        /// Whether a certificate for which there is no table is somebody, too, without scopes.
        any_certificate: bool = "false";
        /// The introspection endpoint of another issuer, for tokens that only it can read (RFC 7662).
        introspection_url: Option<String> = "";
        /// The name under which it is asked.
        introspection_client_id: Option<String> = "";
        /// The secret under which it is asked.
        introspection_client_secret: Option<SecretText> = "";
        /// For how many seconds its answers are believed, 1 to 30: within them a token that was taken back is
        /// refused.
        introspection_ttl: u32 = "5";
        /// Whether it is asked about JWTs as well, instead of believing them by their signature alone.
        introspection_jwts: bool = "false";
        /// Names and passwords for HTTP Basic, as `htpasswd -B` writes them: for tests.
        basic_file: Option<PathBuf> = "";
        /// Fixed tokens: for tests.
        tokens_file: Option<PathBuf> = "";
        /// The service tokens of an Orcheo, its file `service_tokens.sqlite`: for `serve --role gateway`, which reads
        /// it again when it changes. A server with a database takes them over: `doorward import orcheo`.
        service_token_db_path: Option<PathBuf> = "";
        /// Credentials that nobody knows which one address (IPv6: one /64) may present at the gateway until it is
        /// told to wait; 0 for any number. Without it: 20, but 0 where only this machine reaches the server, or
        /// everybody comes by one proxy that is not in `trusted_proxies`.
        rate_limit_ip: Option<u32> = "";
        /// Failed tries in one name from one address, until it is told to wait; 0 for any number. Without it:
        /// 10, but 0 where only this machine reaches the server.
        rate_limit_identity: Option<u32> = "";
        /// Seconds for which a failed try counts.
        rate_limit_interval: Seconds = "60";
        /// A token of at least 32 bytes that administers everything until it expires. Remove it as soon as
        /// there is an administrator.
        bootstrap_service_token: Option<BootstrapToken> = "";
        /// What the bootstrap token may do.
        bootstrap_token_scopes: Vec<String> = "admin:*, admin:tokens:read, admin:tokens:write, workflows:read, workflows:write, workflows:execute, vault:read, vault:write";
        /// When the bootstrap token ends: `2026-05-01T12:00:00Z` or seconds since 1970. Without it: 24 hours
        /// after it was first seen, at a gateway alone after the start.
        bootstrap_token_expires_at: Option<Instant> = "";
        /// Lets the bootstrap token go on working once an administrator with a second factor exists.
        bootstrap_token_stays: bool = "false";
    }

    /// What stands before applications that know nothing of authentication.
    gateway: GatewaySection {
        /// Routes: which requests need what. In the file a table each, `[[gateway.routes]]`; in the
        /// environment a JSON array of objects. `policy_file` names a file with the policy of a route.
        routes: Routes = "";
        /// Ports at which browsers reach guarded hosts through a proxy, where they are others than those of https and
        /// http and that of `public_url`. People are signed in at no other port.
        ports: Vec<Port> = "";
        /// For `serve --role gateway`: the name of the client under which people are signed in at an issuer by OpenID
        /// Connect. Its redirect URIs are `https://HOST/.doorward/callback` for each guarded host.
        client_id: Option<String> = "";
        /// The secret of that client.
        client_secret: Option<SecretText> = "";
        /// In place of a secret the private key by which it shows who it is (`private_key_jwt`): PKCS#8 in PEM, for
        /// ES256, Ed25519 or RS256. The issuer knows the public half.
        client_key: Option<SecretText> = "";
        /// What the issuer calls that key (`kid`). Without it: by its thumbprint (RFC 7638).
        client_key_id: Option<String> = "";
        /// The issuer at which people sign in. Without it: the one that `auth.issuer` or `auth.issuers` names.
        issuer: Option<String> = "";
        /// What is asked for there. With `offline_access`, sessions are renewed where the issuer lets them.
        scopes: Vec<String> = "openid, profile, email";
        /// 32 bytes or more under which the sessions in browsers are sealed, the same for every gateway of these
        /// hosts. Without it they follow from the client's secret or key, and end when that changes.
        cookie_secret: Option<SecretText> = "";
    }

    /// Unattended set-up: the first administrator, made at the first start.
    setup: Setup {
        /// The mail address.
        email: Option<String> = "";
        /// The password.
        password: Option<SecretText> = "";
    }

    /// The log, on standard error.
    log: Log {
        /// `text`, `json`, or `auto`: text on a terminal, JSON else.
        format: LogFormat = "auto";
        /// From which severity on. `LOG_LEVEL` is read as well.
        level: LogLevel = "info";
    }

    /// Figures for Prometheus.
    metrics: Metrics {
        /// The address that serves `/metrics`; off without it.
        listen: Option<SocketAddr> = "";
    }
}

impl Setting for SocketAddr {
    const KIND: super::table::Kind = super::table::Kind::Text;
}
