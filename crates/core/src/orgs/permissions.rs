//! What roles in an organisation let their holders do.
//!
//! Three roles are there from the start; an organisation makes others out of permissions. Those that begin
//! with `org:` are about the organisation's administration here and mean nothing beyond it; all others are
//! for applications to read.

use std::collections::BTreeSet;

use crate::{
    apis::catalog,
    outcome::{Code, Refusal, Result},
};

/// The role of who owns an organisation: everything, and the only one that makes or unmakes owners.
pub const OWNER: &str = "owner";
/// The role of who runs one: everything but its end and its owners.
pub const ADMIN: &str = "admin";
/// The role of who merely belongs to one.
pub const MEMBER: &str = "member";
/// The roles that every organisation has.
pub const BUILT_IN: [&str; 3] = [OWNER, ADMIN, MEMBER];

/// Every right in an organisation.
pub const ALL: &str = "org:*";
/// What only owners may: ending the organisation.
pub const END: &str = "org:settings:end";

/// What decides who signs in as whom: only owners may.
pub const PROVIDERS: &str = "org:connections:write";

/// What belonging to an organisation gives, whatever the role.
pub const BELONGING: &str = "org:settings:read";

/// At most so many permissions make a role: they travel in every token.
const MOST: usize = 64;

/// The permissions of a role, the organisation's own additions (`custom`, names with spaces between)
/// included; in order, each once.
pub fn of_role(role: &str, custom: Option<&str>) -> Vec<String> {
    let own = custom.unwrap_or_default().split_ascii_whitespace().map(str::to_owned);
    let mut all: BTreeSet<String> = own.collect();
    match role {
        OWNER => {
            all.insert(ALL.to_owned());
        }
        ADMIN => {
            let managed = catalog::ORGANIZATION.iter().map(|(name, _)| *name);
            let is_owners = |name: &&str| [ALL, END, PROVIDERS].contains(name);
            all.extend(managed.filter(|name| !is_owners(name)).map(str::to_owned));
        }
        MEMBER => {
            all.insert(BELONGING.to_owned());
        }
        _ => {}
    }
    all.into_iter().collect()
}

/// Whether these permissions hold one by name or by `org:*`.
pub fn holds(held: &[String], wanted: &str) -> bool {
    held.iter().any(|one| one == wanted || (one == ALL && wanted.starts_with("org:")))
}

/// Whether the name is that of a role: `[a-z0-9._-]{2,64}`, beginning with a letter.
///
/// # Errors
/// `RequestInvalid`.
pub(super) fn check_role_name(name: &str) -> Result<()> {
    let is_name = (2..=64).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
    if is_name && name != super::TAKEN {
        return Ok(());
    }
    let hint = "A role's name has 2 to 64 of a-z 0-9 . _ -, begins with a letter, and is not new";
    Err(Refusal::new(Code::RequestInvalid).field("name").hint(hint).into())
}

/// Refuses what is no permission, what is about this server or somebody's account, and too many.
///
/// # Errors
/// `RequestInvalid`, with the name at fault.
pub(super) fn check(permissions: &[String]) -> Result<()> {
    let refused = |hint: String| Refusal::new(Code::RequestInvalid).field("permissions").hint(hint).into();
    if permissions.len() > MOST {
        return Err(refused(format!("A role has {MOST} permissions at most")));
    }
    for permission in permissions {
        let is_name = (1..=128).contains(&permission.len())
            && permission.chars().all(|c| c.is_ascii_alphanumeric() || "._:/*-".contains(c));
        if !is_name {
            return Err(refused("A permission has 1 to 128 of A-Z a-z 0-9 . _ : / * -".to_owned()));
        }
        if permission.starts_with("admin:") || catalog::is_account(permission) {
            return Err(refused(format!("{permission} is not an organisation's to give")));
        }
        let is_known = catalog::ORGANIZATION.iter().any(|(name, _)| name == permission);
        if permission.starts_with("org:") && !is_known {
            return Err(refused(format!("There is no permission {permission}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_roles_hold_what_they_are_for() {
        let (owner, admin, member) = (of_role(OWNER, None), of_role(ADMIN, None), of_role(MEMBER, None));
        for (wanted, by) in [
            ("org:members:write", [true, true, false]),
            ("org:settings:read", [true, true, true]),
            ("org:roles:write", [true, true, false]),
            (END, [true, false, false]),
            (PROVIDERS, [true, false, false]),
            ("org:connections:read", [true, true, false]),
            (ALL, [true, false, false]),
            ("reports:read", [false, false, false]),
        ] {
            assert_eq!([&owner, &admin, &member].map(|held| holds(held, wanted)), by, "{wanted}");
        }
        assert_eq!(of_role("author", Some("docs:write docs:read")), ["docs:read", "docs:write"]);
        assert_eq!(of_role(MEMBER, Some("docs:read")), ["docs:read", "org:settings:read"]);
    }

    #[test]
    fn what_is_no_permission_is_refused_by_name() {
        let said = |names: &[&str]| check(&names.iter().map(ToString::to_string).collect::<Vec<_>>()).is_ok();
        for good in [&["docs:read"][..], &["org:members:read", "org:*"], &["a/b.c-d_e:*"], &[]] {
            assert!(said(good), "{good:?}");
        }
        for bad in
            ["", "two words", "admin:*", "admin:users:read", "me:write", "org:all", "ü", &"x".repeat(129)]
        {
            assert!(!said(&[bad]), "{bad}");
        }
        assert!(check(&vec!["a".to_owned(); 65]).is_err());
        for (name, is_one) in [
            ("author", true),
            ("a", false),
            ("Author", false),
            ("2nd", false),
            ("new", false),
            ("newer", true),
            ("no no", false),
            ("x-1_y.z", true),
        ] {
            assert_eq!(check_role_name(name).is_ok(), is_one, "{name}");
        }
    }
}
