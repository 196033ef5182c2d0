//! Organisations of somebody who belongs to very many: so many of them as a page bears, and a field to find the
//! others by their names.

use askama::Template;
use doorward_core::orgs::Membership;
use doorward_proto::id::{Id, Org};
use url::form_urlencoded;

use super::{form::Field, frame::Frame};

/// So many are shown at once.
const SHOWN: usize = 50;
const FIND: &str = "find";

/// How to find the others.
#[derive(Template)]
#[template(path = "part/find.html")]
pub struct Find {
    path: String,
    /// What the address carries besides.
    carried: Vec<(String, String)>,
    field: Field,
    note: String,
    act: String,
}

/// Those whose names have what the query of the address looks for, the active one first; and how to look for
/// others, where a page does not bear all. `address` is the page's own, with what it carries.
pub fn some(
    frame: &Frame,
    (address, query): (&str, &str),
    all: Vec<Membership>,
    active: Id<Org>,
) -> (Vec<Membership>, Option<Find>) {
    if all.len() <= SHOWN {
        return (all, None);
    }
    let looked_for = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == FIND);
    let looked_for = looked_for.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    let folded = looked_for.to_lowercase();
    let (mut found, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .filter(|one| one.name.to_lowercase().contains(&folded))
        .partition(|one| one.org == active);
    found.extend(others);
    found.truncate(SHOWN);
    let (path, carried) = address.split_once('?').unwrap_or((address, ""));
    let find = Find {
        path: path.to_owned(),
        carried: form_urlencoded::parse(carried.as_bytes()).into_owned().collect(),
        field: Field::new(FIND, "search", "off", frame.t("own-orgs-find"))
            .value(&looked_for)
            .longest(100)
            .optional(),
        note: frame.t("own-orgs-some"),
        act: frame.t("own-orgs-find-do"),
    };
    (found, Some(find))
}
