//! Deleting the account: with the password, and with the mail address typed.

use askama::Template;

use super::{House, Room};
use crate::pages::{
    form::{Errors, Field},
    frame::Frame,
};

/// The page.
#[derive(Template)]
#[template(path = "account/data.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    confirm: Field,
    password: Field,
}

impl<'a> Page<'a> {
    /// The page.
    pub fn new(house: &'a House<'a>, errors: Errors) -> Self {
        let frame = house.frame;
        let confirm = Field::new("confirm", "email", "off", frame.tv("data-confirm", "email", &house.email))
            .checked(&errors);
        let label = frame.t("field-password");
        let password = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        Self { frame, house, errors, confirm, password }
    }
}
