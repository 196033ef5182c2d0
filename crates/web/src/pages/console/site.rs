//! Whose things a page is about, where the instance and each organisation have the same: everything for
//! administrators, an organisation's own for whoever runs it.

use doorward_core::{
    orgs::{Kind, OrgScope},
    outcome::{Code, Result, refuse},
};
use serde::Deserialize;

use super::{Area, Operator, Shell, orgs};
use crate::pages::{form::Errors, frame::Frame};

/// The names in an address: an organisation where it is about one, and a thing where it is about one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct At {
    /// Whose.
    pub(super) org: Option<String>,
    /// Which.
    pub(super) id: String,
}

impl At {
    /// The address of the thing.
    pub(super) fn page(&self, area: Area) -> String {
        format!("{}/{}", address(area, self.org.as_deref()), self.id)
    }
}

/// The address of an area's list: the instance's, or an organisation's.
pub(super) fn address(area: Area, org: Option<&str>) -> String {
    match org {
        None => area.path().to_owned(),
        Some(org) => format!("{}/{org}/{}", Area::Organizations.path(), area.word()),
    }
}

/// Whose things of an area are shown: the instance's, or those of an organisation that was entered.
#[derive(Debug, Clone)]
pub(super) struct Site {
    area: Area,
    list: String,
    org: Option<OrgScope>,
}

impl Site {
    /// What an address is about, for who may do there what takes this permission; the instance's is for
    /// administrators.
    ///
    /// # Errors
    /// `Forbidden`, and what entering an organisation is refused with.
    pub(super) async fn enter(
        operator: &Operator,
        area: Area,
        (org, permission): (Option<&str>, &'static str),
    ) -> Result<Self> {
        let org = match org {
            None if !operator.is_administrator() => return refuse(Code::Forbidden),
            None => None,
            Some(org) => Some(orgs::enter(operator, org, permission).await?),
        };
        let list = address(area, org.as_ref().map(|scope| scope.id().to_string()).as_deref());
        Ok(Self { area, list, org })
    }

    /// The address of the list.
    pub(super) fn list(&self) -> &str {
        &self.list
    }

    /// The organisation; none for the instance.
    pub(super) const fn org(&self) -> Option<&OrgScope> {
        self.org.as_ref()
    }

    /// Whether whoever is here holds a permission: administrators hold each.
    pub(super) fn may(&self, permission: &str) -> bool {
        self.org.as_ref().is_none_or(|scope| scope.may(permission))
    }

    /// The same, for what nobody has in an organisation of their own.
    pub(super) fn may_make(&self, permission: &str) -> bool {
        self.may(permission) && self.org.as_ref().is_none_or(|scope| scope.org().kind != Kind::Personal)
    }

    /// The heading of the list; `key` is of the one with an organisation's name in it.
    pub(super) fn title(&self, frame: &Frame, key: &str) -> String {
        match &self.org {
            None => frame.t(self.area.key()),
            Some(scope) => frame.tv(key, "name", &scope.org().name),
        }
    }

    /// What is around the list.
    pub(super) fn shell<'a>(
        &self,
        operator: &Operator,
        frame: &'a Frame,
        (title, errors): (String, &Errors),
    ) -> Shell<'a> {
        let is_its = self.org.is_none() || Area::OF_ORGANIZATIONS.contains(&self.area);
        let area = if is_its { self.area } else { Area::Organizations };
        let mut shell = operator.shell(frame, area, title, errors);
        shell.trail =
            self.org.as_ref().map(|scope| orgs::trail_to(operator, scope.org())).unwrap_or_default();
        shell
    }

    /// What is around a page below the list.
    pub(super) fn below<'a>(
        &self,
        operator: &Operator,
        frame: &'a Frame,
        said: (String, &Errors),
    ) -> Shell<'a> {
        let mut shell = self.shell(operator, frame, said);
        shell.trail.push((self.list.clone(), frame.t(self.area.key())));
        shell
    }
}
