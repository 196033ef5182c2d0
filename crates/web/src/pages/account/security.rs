//! The password.

use askama::Template;

use super::{House, Room};
use crate::pages::{
    form::{Errors, Field},
    frame::Frame,
    sign_up::new_password,
    when::When,
};

/// The page.
#[derive(Template)]
#[template(path = "account/security.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    changed: Option<When>,
    current: Field,
    new: Field,
}

impl<'a> Page<'a> {
    /// The page; `changed` is when the password was last set.
    pub fn new(house: &'a House<'a>, changed: Option<When>, errors: Errors, shortest: usize) -> Self {
        let frame = house.frame;
        let label = frame.t("security-current");
        let current = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        let new = new_password(frame, shortest).checked(&errors);
        Self { frame, house, errors, changed, current, new }
    }
}
