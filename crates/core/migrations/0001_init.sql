-- The first schema. One text for both engines: @int, @bytes, @folded, @strict and @arrival are
-- replaced at load.
-- Times are microseconds since 1970 (UTC); a NULL time means "has not happened"; ids are text; JSON is
-- opaque text. Tables that an organisation owns lead their keys with org_id.

-- One row that every moved epoch raises: caches on all nodes compare it.
CREATE TABLE changes (id @int PRIMARY KEY, counter @int NOT NULL) @strict;
INSERT INTO changes (id, counter) VALUES (1, 0);

-- kind: 0 instance, 1 personal, 2 team. status: 0 active, 1 suspended, 2 ended (its row stays as the name of
-- what is in the audit trail). joined_by, without being asked: 0 nobody, 1 whoever has proven an address of a
-- verified domain, 2 everybody with an account. allowed_addresses: JSON, from where it may be used.
CREATE TABLE orgs (
    id TEXT PRIMARY KEY,
    kind @int NOT NULL,
    slug TEXT UNIQUE,
    name TEXT NOT NULL,
    name_folded @folded NOT NULL,
    status @int NOT NULL DEFAULT 0,
    joined_by @int NOT NULL DEFAULT 0,
    allowed_addresses TEXT NOT NULL DEFAULT '[]',
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL
) @strict;
CREATE INDEX orgs_open ON orgs (id) WHERE joined_by = 2 AND status = 0;
CREATE UNIQUE INDEX orgs_one_instance ON orgs (kind) WHERE kind = 0;
CREATE INDEX orgs_teams ON orgs (id) WHERE kind <> 1 AND status <> 2;
-- As few as are suspended, so hardly ever written.
CREATE INDEX orgs_suspended ON orgs (id) WHERE kind <> 1 AND status = 1;
CREATE INDEX orgs_name ON orgs (name_folded, id) WHERE kind <> 1 AND status <> 2;

-- Under everything that can hold a credential. kind: 0 user, 1 client, 2 agent, 3 service.
-- status: 0 active, 1 suspended, 2 ended, 3 held with its suspended organisation. Whatever is issued is issued under an epoch; moving it (always
-- with epoch_at) ends everything that was issued before.
CREATE TABLE principals (
    id TEXT PRIMARY KEY,
    kind @int NOT NULL,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    status @int NOT NULL DEFAULT 0,
    epoch @int NOT NULL DEFAULT 0,
    epoch_at @int NOT NULL DEFAULT 0,
    created_at @int NOT NULL
) @strict;
CREATE INDEX principals_org ON principals (org_id, kind, id);
-- Whoever is suspended, among all: a row of it is written only when that is done or undone.
CREATE INDEX principals_suspended ON principals (kind, id) WHERE status IN (1, 3);

-- People. platform_role: 0 user, 1 administrator. profile: the OpenID standard claims as JSON.
-- anonymous_seen_at: of who has no account yet, the day of the last use.
CREATE TABLE users (
    id TEXT PRIMARY KEY REFERENCES principals (id),
    name TEXT,
    name_folded @folded,
    username TEXT,
    username_folded @folded UNIQUE,
    platform_role @int NOT NULL DEFAULT 0,
    roles TEXT NOT NULL DEFAULT '[]',
    profile TEXT NOT NULL DEFAULT '{}',
    locale TEXT,
    zone TEXT,
    marketing_consent_at @int,
    marketing_consent_text TEXT,
    anonymous_seen_at @int,
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL
) @strict;
CREATE INDEX users_name ON users (name_folded, id);
CREATE INDEX users_administrators ON users (platform_role, id);
CREATE INDEX users_consenting ON users (id) WHERE marketing_consent_at IS NOT NULL;
CREATE INDEX users_anonymous ON users (anonymous_seen_at) WHERE anonymous_seen_at IS NOT NULL;

-- A mail address belongs to one person; a change waits in links until it is proven.
CREATE TABLE emails (
    folded @folded PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    address TEXT NOT NULL,
    is_primary @int NOT NULL,
    verified_at @int,
    created_at @int NOT NULL
) @strict;
CREATE INDEX emails_user ON emails (user_id, folded);

-- Pictures that people have handed in of themselves. name: what the address of one is, random.
CREATE TABLE pictures (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    name TEXT NOT NULL UNIQUE,
    picture @bytes NOT NULL,
    format TEXT NOT NULL,
    width @int NOT NULL,
    height @int NOT NULL,
    created_at @int NOT NULL
) @strict;

-- Membership of organisations. role: `owner`, `admin`, `member`, or a role of the organisation's own.
CREATE TABLE memberships (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at @int NOT NULL,
    PRIMARY KEY (org_id, user_id)
) @strict;
CREATE INDEX memberships_user ON memberships (user_id, org_id);
CREATE INDEX memberships_role ON memberships (org_id, role, user_id);

-- Roles that an organisation has made. permissions: names with spaces between.
CREATE TABLE org_roles (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    permissions TEXT NOT NULL DEFAULT '',
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (org_id, name)
) @strict;

-- Who was asked to join. hash: of the link's secret; is_mailed: nobody but the address was told it. One
-- invitation is open for an address.
CREATE TABLE invitations (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_folded @folded NOT NULL,
    role TEXT NOT NULL,
    hash @bytes NOT NULL UNIQUE,
    is_mailed @int NOT NULL,
    invited_by TEXT NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    accepted_at @int,
    accepted_by TEXT,
    revoked_at @int,
    PRIMARY KEY (org_id, id)
) @strict;
CREATE UNIQUE INDEX invitations_open ON invitations (org_id, email_folded)
    WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE INDEX invitations_email ON invitations (email_folded, org_id) WHERE accepted_at IS NULL AND revoked_at IS NULL;

-- Domains that an organisation says are its own. token: what its DNS has to say; one organisation has
-- proven it. checked_at: when that was looked for last; missed_at, misses: since when, and how often, it was not
-- there.
CREATE TABLE org_domains (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    domain @folded NOT NULL,
    token TEXT NOT NULL,
    verified_at @int,
    created_at @int NOT NULL,
    checked_at @int NOT NULL DEFAULT 0,
    missed_at @int,
    misses @int NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, domain)
) @strict;
CREATE INDEX org_domains_due ON org_domains (checked_at) WHERE verified_at IS NOT NULL;
CREATE UNIQUE INDEX org_domains_verified ON org_domains (domain) WHERE verified_at IS NOT NULL;

-- Parts of an organisation. id: what tokens say, so one in the whole realm; everybody: what whoever belongs to
-- the organisation is in it, NULL where only its members are. Roles are `viewer`, `editor` and `admin`.
CREATE TABLE workspaces (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL UNIQUE,
    slug TEXT,
    name TEXT NOT NULL,
    everybody TEXT,
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, slug)
) @strict;

CREATE TABLE workspace_members (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at @int NOT NULL,
    PRIMARY KEY (org_id, workspace_id, user_id),
    FOREIGN KEY (org_id, workspace_id) REFERENCES workspaces (org_id, id)
) @strict;
CREATE INDEX workspace_members_user ON workspace_members (user_id, org_id, workspace_id);

-- What an organisation asks of its people. kind: 0 text, 1 number, 2 boolean, 3 choice, 4 date, 5 url;
-- options: of a choice, a JSON array; position: where it stands among the others.
CREATE TABLE org_fields (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    name TEXT NOT NULL,
    kind @int NOT NULL,
    label TEXT NOT NULL,
    options TEXT NOT NULL,
    is_required @int NOT NULL,
    in_claims @int NOT NULL,
    position @int NOT NULL,
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (org_id, name)
) @strict;

-- What people have answered. value: JSON; it counts as long as it fits the field.
CREATE TABLE org_values (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (org_id, user_id, field)
) @strict;
CREATE INDEX org_values_user ON org_values (user_id, org_id);

-- What pages and mails look like: of an organisation (client_id ''), or of one of its applications; the
-- instance's is that of its organisation. What is NULL comes from further out. logo_hash: the name of the
-- picture's content.
CREATE TABLE brands (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    client_id TEXT NOT NULL,
    name TEXT,
    logo @bytes,
    logo_hash TEXT,
    logo_format TEXT,
    logo_width @int,
    logo_height @int,
    primary_color TEXT,
    accent_color TEXT,
    background_color TEXT,
    support_uri TEXT,
    terms_uri TEXT,
    privacy_uri TEXT,
    version @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (org_id, client_id)
) @strict;
CREATE INDEX brands_logo ON brands (logo_hash) WHERE logo_hash IS NOT NULL;

-- One table per kind of credential.
CREATE TABLE passwords (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    phc TEXT NOT NULL,
    scheme TEXT NOT NULL,
    updated_at @int NOT NULL
) @strict;
CREATE INDEX passwords_scheme ON passwords (scheme);

-- Every way of hashing that is in use, by a hash of nobody's password: the slowest of them is how long a
-- failed sign-in takes.
CREATE TABLE password_schemes (
    scheme TEXT PRIMARY KEY,
    example TEXT NOT NULL
) @strict;

CREATE TABLE passkeys (
    credential_id @bytes PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    passkey TEXT NOT NULL,
    created_at @int NOT NULL,
    last_used_at @int
) @strict;
CREATE INDEX passkeys_user ON passkeys (user_id, credential_id);

CREATE TABLE totps (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    sealed @bytes NOT NULL,
    last_step @int NOT NULL DEFAULT 0,
    confirmed_at @int,
    created_at @int NOT NULL
) @strict;

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id),
    hash @bytes NOT NULL,
    created_at @int NOT NULL,
    consumed_at @int,
    PRIMARY KEY (user_id, hash)
) @strict;

-- Single-use links: set-up, verification, reset, change of address. purpose: 0 set-up, 1 sign-up,
-- 2 reset, 3 change of address, 4 away at an identity provider, 5 an identity to be linked. payload: what the link will do, sealed under the link's secret.
CREATE TABLE links (
    hash @bytes PRIMARY KEY,
    purpose @int NOT NULL,
    user_id TEXT REFERENCES users (id),
    payload @bytes NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    consumed_at @int
) @strict;
CREATE INDEX links_user ON links (user_id, purpose);
CREATE INDEX links_expiry ON links (expires_at);
CREATE INDEX links_away ON links (expires_at) WHERE purpose > 3;

-- Where people sign in elsewhere. settings: JSON; sealed: the secret that we have there, sealed at rest.
CREATE TABLE providers (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    slug @folded NOT NULL UNIQUE,
    is_enabled @int NOT NULL,
    settings TEXT NOT NULL,
    sealed @bytes,
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL
) @strict;
CREATE INDEX providers_org ON providers (org_id, id);

-- Whom a provider means by a subject: one of our people.
CREATE TABLE identities (
    provider_id TEXT NOT NULL REFERENCES providers (id),
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    email TEXT,
    linked_at @int NOT NULL,
    last_used_at @int NOT NULL,
    uses @int NOT NULL DEFAULT 1,
    PRIMARY KEY (provider_id, subject)
) @strict;
CREATE INDEX identities_user ON identities (user_id, provider_id);

-- A browser holds one cookie and several signed-in sessions; active_session is the one in use.
CREATE TABLE browsers (
    id TEXT PRIMARY KEY,
    hash @bytes NOT NULL UNIQUE,
    active_session TEXT,
    created_at @int NOT NULL,
    seen_at @int NOT NULL
) @strict;
CREATE INDEX browsers_seen ON browsers (seen_at);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    browser_id TEXT NOT NULL REFERENCES browsers (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    org_id TEXT NOT NULL REFERENCES orgs (id),
    auth_time @int NOT NULL,
    acr TEXT NOT NULL,
    amr TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT,
    created_at @int NOT NULL,
    seen_at @int NOT NULL,
    expires_at @int NOT NULL,
    ended_at @int,
    end_reason TEXT,
    noticed_at @int
) @strict;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL AND noticed_at IS NULL;
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_browser ON sessions (browser_id, id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_absolute ON sessions (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_idle ON sessions (seen_at) WHERE ended_at IS NULL;

-- Applications. metadata: RFC 7591 members and our settings as JSON.
CREATE TABLE clients (
    id TEXT PRIMARY KEY REFERENCES principals (id),
    client_id TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    name TEXT NOT NULL,
    name_folded @folded NOT NULL,
    is_confidential @int NOT NULL,
    is_first_party @int NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL,
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL
) @strict;
CREATE INDEX clients_org ON clients (org_id, id);
CREATE INDEX clients_name ON clients (name_folded, id);

-- Applications by which people join an organisation, and who has joined it so: once.
CREATE TABLE org_join_clients (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    client_id TEXT NOT NULL REFERENCES clients (id),
    is_asked @int NOT NULL,
    created_at @int NOT NULL,
    PRIMARY KEY (org_id, client_id)
) @strict;
CREATE INDEX org_join_clients_client ON org_join_clients (client_id, org_id);

CREATE TABLE org_joined (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    client_id TEXT REFERENCES clients (id),
    joined_at @int NOT NULL,
    PRIMARY KEY (org_id, user_id)
) @strict;
CREATE INDEX org_joined_user ON org_joined (user_id);

CREATE TABLE client_secrets (
    client_id TEXT NOT NULL REFERENCES clients (id),
    hash @bytes NOT NULL,
    hash_key TEXT NOT NULL,
    created_at @int NOT NULL,
    expires_at @int,
    revoked_at @int,
    PRIMARY KEY (client_id, hash)
) @strict;

-- Service tokens, a row for each version. lineage: the principal of kind service that stands under every
-- version, by the id of the first; epoch: the one it was made under. A secret is stored as its keyed hash
-- (of hash_key), an imported one as its SHA-256 in hexadecimal until it is first seen; imported_from: its
-- name there, so that an import can be run again. scopes: names with spaces between; workspace_ids and
-- allowed_addresses: JSON. lifetime: seconds, handed on at rotation. ends_at: when the overlap after a
-- rotation is over. rotated_to, rotated_from: ids of versions. reminded: how many days before the end of its
-- life that was announced last.
CREATE TABLE service_tokens (
    id TEXT PRIMARY KEY,
    lineage TEXT NOT NULL REFERENCES principals (id),
    org_id TEXT NOT NULL REFERENCES orgs (id),
    name TEXT NOT NULL,
    name_folded @folded NOT NULL,
    version @int NOT NULL,
    epoch @int NOT NULL,
    hash @bytes UNIQUE,
    hash_key TEXT,
    sha256 TEXT UNIQUE,
    imported_from TEXT UNIQUE,
    scopes TEXT NOT NULL DEFAULT '',
    workspace_ids TEXT NOT NULL DEFAULT '[]',
    description TEXT,
    owner TEXT,
    purpose TEXT,
    allowed_addresses TEXT NOT NULL DEFAULT '[]',
    rate_limit_override TEXT,
    lifetime @int,
    issued_at @int NOT NULL,
    expires_at @int,
    ends_at @int,
    revoked_at @int,
    revoked_by TEXT,
    revocation_reason TEXT,
    created_by TEXT NOT NULL,
    rotated_to TEXT,
    rotated_from TEXT,
    last_used_at @int,
    last_used_address TEXT,
    use_count @int NOT NULL DEFAULT 0,
    reminded @int,
    reviewed_at @int NOT NULL DEFAULT 0,
    review_from @int,
    rotation_from @int,
    revision @int NOT NULL DEFAULT 1,
    UNIQUE (org_id, name, version)
) @strict;
CREATE INDEX service_tokens_lineage ON service_tokens (lineage, version);
CREATE INDEX service_tokens_org ON service_tokens (org_id, id);
CREATE INDEX service_tokens_name ON service_tokens (name_folded, id);
CREATE INDEX service_tokens_expires ON service_tokens (expires_at);
CREATE INDEX service_tokens_owner ON service_tokens (owner, id);
CREATE INDEX service_tokens_review ON service_tokens (review_from);
CREATE INDEX service_tokens_rotation ON service_tokens (rotation_from);
CREATE INDEX service_tokens_rotated_to ON service_tokens (rotated_to);
CREATE INDEX service_tokens_rotated_from ON service_tokens (rotated_from);

-- Keys: of a person (user_id; principal_id is the same), or of an organisation (principal_id is the key's own
-- id). epoch: the principal's under which it was made. shown: how it begins. scopes: names with spaces
-- between; permissions (resource to actions), workspace_ids, allowed_addresses and metadata: JSON. is_own: the
-- owner alone chose what it may do.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    principal_id TEXT NOT NULL REFERENCES principals (id),
    epoch @int NOT NULL,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    user_id TEXT REFERENCES users (id),
    name TEXT NOT NULL,
    name_folded @folded NOT NULL,
    shown TEXT NOT NULL,
    hash @bytes NOT NULL UNIQUE,
    hash_key TEXT NOT NULL,
    scopes TEXT NOT NULL,
    permissions TEXT NOT NULL,
    workspace_ids TEXT NOT NULL,
    allowed_addresses TEXT NOT NULL,
    metadata TEXT NOT NULL,
    rate_limit TEXT,
    is_own @int NOT NULL,
    is_enabled @int NOT NULL DEFAULT 1,
    created_by TEXT NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    revoked_at @int,
    revoked_by TEXT,
    revocation_reason TEXT,
    last_used_at @int,
    last_used_address TEXT,
    use_count @int NOT NULL DEFAULT 0,
    revision @int NOT NULL DEFAULT 1
) @strict;
CREATE INDEX api_keys_principal ON api_keys (principal_id);
CREATE INDEX api_keys_user ON api_keys (user_id, id);
CREATE INDEX api_keys_org ON api_keys (org_id, id);
CREATE INDEX api_keys_name ON api_keys (name_folded, id);

-- Routes of the gateway beside those of the configuration. spec: the route as it is written, JSON.
CREATE TABLE routes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    created_by TEXT NOT NULL,
    updated_at @int NOT NULL,
    updated_by TEXT NOT NULL
) @strict;

-- Protected resources. identifier is the audience. token_format: 0 JWT, 1 opaque.
CREATE TABLE apis (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    identifier @folded NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_folded @folded NOT NULL,
    signing_alg TEXT NOT NULL,
    token_format @int NOT NULL DEFAULT 0,
    access_ttl @int,
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL
) @strict;
CREATE INDEX apis_org ON apis (org_id, id);
CREATE INDEX apis_name ON apis (name_folded, id);

-- Custom claims of tokens. owner: the id of one of the organisation's applications or APIs, or '' for the
-- organisation itself; targets: where a claim is told, names with spaces between.
CREATE TABLE claim_mappings (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    expression TEXT NOT NULL,
    targets TEXT NOT NULL,
    version @int NOT NULL DEFAULT 1,
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, owner, name)
) @strict;

CREATE TABLE api_scopes (
    api_id TEXT NOT NULL REFERENCES apis (id),
    scope TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (api_id, scope)
) @strict;

-- An authorization in progress and its steps. request: the checked request as JSON.
-- step: 0 sign in, 1 second factor, 2 organisation, 3 consent, 4 done.
CREATE TABLE drafts (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    request TEXT NOT NULL,
    step @int NOT NULL DEFAULT 0,
    browser_id TEXT,
    session_id TEXT,
    org_id TEXT,
    login_at @int,
    consented_at @int,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    consumed_at @int
) @strict;
CREATE INDEX drafts_expiry ON drafts (expires_at);

CREATE TABLE pushed_requests (
    hash @bytes PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    request @bytes NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    consumed_at @int
) @strict;
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);

-- What a person has allowed an application (or an agent, by a delegation) for good. resource is ''
-- for the issuer itself; agent_id and delegation_id are '' where no agent acts.
CREATE TABLE consents (
    user_id TEXT NOT NULL REFERENCES users (id),
    client_id TEXT NOT NULL REFERENCES clients (id),
    org_id TEXT NOT NULL REFERENCES orgs (id),
    resource TEXT NOT NULL DEFAULT '',
    agent_id TEXT NOT NULL DEFAULT '',
    delegation_id TEXT NOT NULL DEFAULT '',
    scope TEXT NOT NULL,
    authorization_details TEXT,
    actor_path TEXT NOT NULL DEFAULT '',
    granted_at @int NOT NULL,
    revoked_at @int,
    PRIMARY KEY (user_id, client_id, org_id, resource, agent_id, delegation_id)
) @strict;
CREATE INDEX consents_client ON consents (client_id, user_id);

-- One authorization: the family of every token made from it. Ending it is one UPDATE. is_offline: it
-- outlives its session (offline_access). facts: how the person signed in, claims asked for, as JSON.
-- device: what the application says it runs on.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    principal_id TEXT NOT NULL REFERENCES principals (id),
    client_id TEXT NOT NULL REFERENCES clients (id),
    session_id TEXT,
    scope TEXT NOT NULL,
    resource TEXT NOT NULL DEFAULT '[]',
    authorization_details TEXT,
    agent_id TEXT NOT NULL DEFAULT '',
    delegation_id TEXT NOT NULL DEFAULT '',
    actor_path TEXT NOT NULL DEFAULT '',
    is_offline @int NOT NULL DEFAULT 0,
    facts TEXT NOT NULL DEFAULT '{}',
    device TEXT,
    created_at @int NOT NULL,
    expires_at @int,
    ended_at @int,
    end_reason TEXT
) @strict;
CREATE INDEX grants_principal ON grants (principal_id, client_id, id);
CREATE INDEX grants_client ON grants (client_id, id);
CREATE INDEX grants_session ON grants (session_id, id);

CREATE TABLE codes (
    hash @bytes PRIMARY KEY,
    family TEXT NOT NULL REFERENCES grants (id),
    client_id TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    epoch @int NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT,
    nonce TEXT,
    dpop_jkt TEXT,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    consumed_at @int
) @strict;
CREATE INDEX codes_expiry ON codes (expires_at);

-- successor: the next token, sealed under the presented one, for the reuse window only.
CREATE TABLE refresh_tokens (
    hash @bytes PRIMARY KEY,
    family TEXT NOT NULL REFERENCES grants (id),
    client_id TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    epoch @int NOT NULL,
    generation @int NOT NULL,
    cnf TEXT,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    absolute_at @int NOT NULL,
    consumed_at @int,
    successor @bytes,
    revoked_at @int
) @strict;
CREATE INDEX refresh_tokens_family ON refresh_tokens (family) WHERE consumed_at IS NULL;
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
CREATE INDEX refresh_tokens_successor ON refresh_tokens (consumed_at) WHERE successor IS NOT NULL;

-- Opaque access tokens.
CREATE TABLE access_tokens (
    hash @bytes PRIMARY KEY,
    family TEXT,
    client_id TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    epoch @int NOT NULL,
    claims TEXT NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    revoked_at @int
) @strict;
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);
CREATE INDEX access_tokens_family ON access_tokens (family);

CREATE TABLE revoked_jtis (
    jti TEXT PRIMARY KEY,
    revoked_at @int NOT NULL,
    expires_at @int NOT NULL
) @strict;
CREATE INDEX revoked_jtis_expiry ON revoked_jtis (expires_at);

-- Values that may be seen once: DPoP proofs, client assertions.
CREATE TABLE replays (
    hash @bytes PRIMARY KEY,
    expires_at @int NOT NULL
) @strict;
CREATE INDEX replays_expiry ON replays (expires_at);

-- Signing keys. sealed: PKCS#8 under the master key. A key signs from active_at until retired_at and
-- is published from published_at until expires_at.
CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    alg TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed @bytes NOT NULL,
    created_at @int NOT NULL,
    published_at @int NOT NULL,
    active_at @int NOT NULL,
    retired_at @int,
    expires_at @int,
    reason TEXT
) @strict;
CREATE INDEX signing_keys_alg ON signing_keys (alg, active_at);

-- Failed tries per account, address or overall, by a folded key.
CREATE TABLE throttles (
    key TEXT PRIMARY KEY,
    failures @int NOT NULL,
    first_at @int NOT NULL,
    last_at @int NOT NULL,
    blocked_until @int NOT NULL
) @strict;
CREATE INDEX throttles_age ON throttles (last_at);

-- status: 0 waiting, 1 sent, 2 given up. parameters: what the template needs, sealed (it holds links).
-- A mail is of no use any more at expires_at. priority: 0 for who waits for it, 1 for what is said to many.
CREATE TABLE mails (
    id TEXT PRIMARY KEY,
    user_id TEXT,
    org_id TEXT,
    client_id TEXT,
    recipient TEXT NOT NULL,
    template TEXT NOT NULL,
    locale TEXT NOT NULL,
    parameters @bytes NOT NULL,
    status @int NOT NULL DEFAULT 0,
    priority @int NOT NULL DEFAULT 0,
    attempts @int NOT NULL DEFAULT 0,
    due_at @int NOT NULL,
    claimed_until @int,
    sent_at @int,
    last_error TEXT,
    created_at @int NOT NULL,
    expires_at @int
) @strict;
CREATE INDEX mails_due ON mails (status, priority, due_at);
-- What is not sent yet, or never will be.
CREATE INDEX mails_unsent ON mails (status, id) WHERE status <> 1;
CREATE INDEX mails_user ON mails (user_id);
CREATE INDEX mails_age ON mails (created_at);

-- What somebody has written in place of our words for a kind of mail; the instance's are its organisation's.
CREATE TABLE mail_templates (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    template TEXT NOT NULL,
    locale TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    html TEXT,
    version @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (org_id, template, locale)
) @strict;

-- What an organisation says to its members, and the instance's to everybody who has agreed to be written to.
-- status: 0 mails are being written, 1 all are, 2 stopped. reached: the reader who was written to last.
CREATE TABLE announcements (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    id TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    status @int NOT NULL DEFAULT 0,
    reached TEXT NOT NULL DEFAULT '',
    written @int NOT NULL DEFAULT 0,
    created_by TEXT NOT NULL,
    created_at @int NOT NULL,
    next_at @int NOT NULL,
    finished_at @int,
    PRIMARY KEY (org_id, id)
) @strict;
CREATE INDEX announcements_due ON announcements (next_at, id) WHERE status = 0;
-- All of them keep one pace.
CREATE INDEX announcements_pace ON announcements (next_at);

-- Who does not want to hear what an organisation says.
CREATE TABLE announcement_leavers (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    left_at @int NOT NULL,
    PRIMARY KEY (org_id, user_id)
) @strict;
CREATE INDEX announcement_leavers_user ON announcement_leavers (user_id);

-- Background work, claimed by a guarded write.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    due_at @int NOT NULL,
    attempts @int NOT NULL DEFAULT 0,
    claimed_until @int,
    done_at @int,
    last_error TEXT,
    created_at @int NOT NULL
) @strict;
CREATE INDEX jobs_due ON jobs (done_at, due_at);

-- Who does what only one node may do; and which nodes serve ('node/…').
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until @int NOT NULL
) @strict;

-- What an Idempotency-Key was answered; sealed under the key and the caller's credential.
CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash @bytes NOT NULL,
    response @bytes,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    PRIMARY KEY (caller, key)
) @strict;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- Facts about this realm that are not configuration: the bootstrap token's first sight, and 'master_key',
-- the id of the master key in use and since when (one that was replaced: 'master_key/ID', and since when).
-- What earlier master keys handed on is sealed: 'master_key.lasting' the keys of keyed hashes and of what
-- is sealed under secrets, 'master_key.audit' the public keys that signed the audit trail.
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at @int NOT NULL
) @strict;

-- How often somebody did something in an hour, for billing. kind: 0 request at the gateway, 1 sign-in,
-- 2 answer with tokens. status: the class of the HTTP status, 0 for who left before the answer. Who or what
-- has no name is an empty text.
CREATE TABLE usage_hours (
    org_id TEXT NOT NULL,
    hour @int NOT NULL,
    principal TEXT NOT NULL,
    client_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    route TEXT NOT NULL,
    kind @int NOT NULL,
    status @int NOT NULL,
    requests @int NOT NULL,
    denied @int NOT NULL,
    request_bytes @int NOT NULL,
    response_bytes @int NOT NULL,
    micros @int NOT NULL,
    PRIMARY KEY (org_id, hour, principal, client_id, agent_id, route, kind, status)
) @strict;
CREATE INDEX usage_hours_age ON usage_hours (hour);
CREATE INDEX usage_hours_principal ON usage_hours (principal, hour);

-- The last batch of usage that each process has written: none is counted twice.
CREATE TABLE usage_writers (
    id TEXT PRIMARY KEY,
    batch @int NOT NULL,
    written_at @int NOT NULL
) @strict;
CREATE INDEX usage_writers_age ON usage_writers (written_at);

-- What one of something costs, in millionths of the currency unit, from an hour to before another. meter: 0
-- request, 1 sign-in, 2 token, 3 gigabyte in, 4 gigabyte out. No route is every one without a price of its own.
CREATE TABLE prices (
    id TEXT PRIMARY KEY,
    meter @int NOT NULL,
    route_name TEXT NOT NULL,
    price_micros @int NOT NULL,
    valid_from @int NOT NULL,
    valid_until @int NOT NULL,
    created_at @int NOT NULL,
    UNIQUE (meter, route_name, valid_from)
) @strict;

-- How much happened in an hour, of the whole server (an empty org_id) and of each organisation. kind: 0
-- sign-ins, 1 failed ones, 2 sign-ins to applications, 3 tokens, 4 denials, 5 people in the hour, 6 people in
-- the day that begins with it.
CREATE TABLE figure_hours (
    org_id TEXT NOT NULL,
    hour @int NOT NULL,
    kind @int NOT NULL,
    times @int NOT NULL,
    PRIMARY KEY (org_id, hour, kind)
) @strict;
CREATE INDEX figure_hours_age ON figure_hours (hour);

-- Who was there in an hour (width 0) or day (width 1): each counts once. Kept for days.
CREATE TABLE active_marks (
    org_id TEXT NOT NULL,
    begin_at @int NOT NULL,
    width @int NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (org_id, begin_at, width, user_id)
) @strict;
CREATE INDEX active_marks_age ON active_marks (begin_at);

-- When somebody was there last.
CREATE TABLE active_users (
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    last_hour @int NOT NULL,
    PRIMARY KEY (org_id, user_id)
) @strict;
CREATE INDEX active_users_of_org ON active_users (org_id, last_hour);
CREATE INDEX active_users_age ON active_users (last_hour);

-- The audit trail. event_intake has no index but its number, at whose end rows are put: writers do not
-- wait for one another. The sealer moves rows to events in arrival order and links them; event_details
-- holds the personal part, which can be erased, and events keeps its salted hash; address is what detail
-- says of where it came from, to look for it by. outcome: 0 granted, 1 refused. Ids begin with their time. month (202611) only goes up along the chain: it says where a row
-- lies, and is what retention goes by.
CREATE TABLE event_intake (
    seq @arrival,
    id TEXT NOT NULL,
    at @int NOT NULL,
    code TEXT NOT NULL,
    outcome @int NOT NULL,
    org_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    facts TEXT NOT NULL,
    detail TEXT NOT NULL
) @strict;

CREATE TABLE events (
-- @sqlite
    seq @int PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
-- @end
-- @postgres
    seq @int NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (seq, month),
    UNIQUE (id, month),
-- @end
    month @int NOT NULL,
    at @int NOT NULL,
    code TEXT NOT NULL,
    outcome @int NOT NULL,
    org_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    facts TEXT NOT NULL,
    detail_hash @bytes NOT NULL,
    link @bytes NOT NULL
) @monthly;
CREATE INDEX events_code ON events (code, seq);
CREATE INDEX events_actor ON events (actor, seq);
CREATE INDEX events_subject ON events (subject, seq);
CREATE INDEX events_client ON events (client_id, seq);
CREATE INDEX events_org ON events (org_id, seq);
CREATE INDEX events_request ON events (request_id);

CREATE TABLE event_details (
-- @sqlite
    seq @int PRIMARY KEY,
-- @end
-- @postgres
    seq @int NOT NULL,
    PRIMARY KEY (seq, month),
-- @end
    month @int NOT NULL,
    salt @bytes NOT NULL,
    detail TEXT NOT NULL,
    address TEXT,
    erased_at @int
) @monthly;
CREATE INDEX event_details_address ON event_details (address, seq) WHERE address IS NOT NULL;

-- reason: minute, month, retention. What a retention checkpoint covers may be gone.
CREATE TABLE event_checkpoints (
    seq @int PRIMARY KEY,
    at @int NOT NULL,
    link @bytes NOT NULL,
    key_id TEXT NOT NULL,
    signature @bytes NOT NULL,
    reason TEXT NOT NULL
) @strict;
