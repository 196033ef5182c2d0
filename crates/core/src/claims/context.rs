//! What expressions see: of the person only what the granted scopes tell whoever reads the token anyway.

use doorward_proto::scope::ScopeSet;
use serde_json::{Value as Json, json};

use super::bounds::LIST;
use crate::{
    clients::Client,
    orgs::{Org, workspaces::Role},
    users::User,
};

/// The longest text, in bytes.
const TEXT: usize = 256;

/// `user`, `org`, `tenant_profile`, `client` and `scopes`.
#[derive(Debug, Clone)]
pub(super) struct Context {
    user: Json,
    org: Json,
    tenant_profile: Json,
    client: Json,
    scopes: Json,
}

/// The organisation of a token, and what the person is there.
pub(super) struct Place<'a> {
    pub(super) org: &'a Org,
    pub(super) role: Option<&'a str>,
    /// Those that the token says.
    pub(super) permissions: &'a [String],
    pub(super) workspaces: &'a [(String, Role)],
    /// What the organisation asks its people for applications, with what the person has answered.
    pub(super) profile: &'a [(String, Option<Json>)],
}

/// What whoever reads a token is told of its person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// By the scopes that it has.
    pub(super) scopes: &'a ScopeSet,
    /// All, whatever the scopes: the operator's own applications and what is theirs.
    pub(super) is_first_party: bool,
}

impl Context {
    /// Of a person: what is not known, and what the scopes do not tell, is null.
    pub(super) fn of_person(user: &User, place: &Place<'_>, client: &Client, told: Told<'_>) -> Self {
        let tells = |scope: &str| told.is_first_party || told.scopes.contains(scope);
        let profile = |value: Option<&str>| json!(value.filter(|_| tells("profile")).map(short));
        let email = user.email.as_deref().filter(|_| tells("email"));
        let of = json!({
            "sub": user.id.to_string(),
            "email": email.map(short),
            "email_verified": email.map(|_| user.email_verified_at.is_some()),
            "name": profile(user.name.as_deref()),
            "given_name": profile(user.profile.given_name.as_deref()),
            "family_name": profile(user.profile.family_name.as_deref()),
            "nickname": profile(user.profile.nickname.as_deref()),
            "locale": profile(user.locale.as_deref()),
            "zone": profile(user.zone.as_deref()),
            "roles": few(user.roles.iter().map(String::as_str)),
        });
        Self::new(of, (place, tells("profile")), client, told.scopes)
    }

    /// Of an application that acts for itself: the user is the application, of which nothing else is known.
    pub(super) fn of_client(client: &Client, place: &Place<'_>, scopes: &ScopeSet) -> Self {
        let of = json!({
            "sub": client.client_id, "email": null, "email_verified": null, "name": null, "given_name": null,
            "family_name": null, "nickname": null, "locale": null, "zone": null, "roles": [],
        });
        Self::new(of, (place, false), client, scopes)
    }

    fn new(
        user: Json,
        (place, tells_profile): (&Place<'_>, bool),
        client: &Client,
        scopes: &ScopeSet,
    ) -> Self {
        let workspaces = place.workspaces.iter().take(limit());
        let workspaces: Vec<Json> =
            workspaces.map(|(id, role)| json!({"id": id, "role": role.name()})).collect();
        let org = json!({
            "id": place.org.id.to_string(),
            "slug": place.org.slug.as_deref(),
            "name": short(&place.org.name),
            "role": place.role,
            "permissions": few(place.permissions.iter().map(String::as_str)),
            "workspaces": workspaces,
        });
        // No answer is longer than a text here may be.
        let answer = |(key, value): &(String, Option<Json>)| {
            (key.clone(), value.clone().filter(|_| tells_profile).unwrap_or_default())
        };
        let tenant_profile = place.profile.iter().map(answer).collect();
        let client = json!({"id": client.client_id, "name": short(&client.name)});
        Self { user, org, tenant_profile, client, scopes: few(scopes.iter()) }
    }

    /// What there is, by name.
    pub(super) fn parts(&self) -> [(&'static str, &Json); 5] {
        [
            ("user", &self.user),
            ("org", &self.org),
            ("tenant_profile", &self.tenant_profile),
            ("client", &self.client),
            ("scopes", &self.scopes),
        ]
    }
}

fn limit() -> usize {
    usize::try_from(LIST).unwrap_or(usize::MAX)
}

fn few<'a>(names: impl Iterator<Item = &'a str>) -> Json {
    names.take(limit()).map(|name| json!(short(name))).collect()
}

/// The beginning of a text that is longer than any should be.
fn short(text: &str) -> &str {
    let mut end = text.len().min(TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
