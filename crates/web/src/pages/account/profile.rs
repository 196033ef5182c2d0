//! Name and mail addresses.

use askama::Template;

use super::{House, Room};
use crate::pages::form::{Errors, Field};

/// A mail address of the account.
#[derive(Debug, Clone)]
pub struct Address {
    /// What forms send.
    pub id: String,
    /// The address.
    pub email: String,
    /// Whether its owner has proven it.
    pub is_verified: bool,
    /// Whether it is the one that mail goes to.
    pub is_primary: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "account/profile.html")]
pub struct Page<'a> {
    frame: &'a crate::pages::frame::Frame,
    house: &'a House<'a>,
    errors: Errors,
    name: Field,
    addresses: Vec<Address>,
    email: Field,
}

impl<'a> Page<'a> {
    /// The page with the present values.
    pub fn new(house: &'a House<'a>, name: &str, addresses: Vec<Address>, errors: Errors) -> Self {
        let frame = house.frame;
        let name =
            Field::new("name", "text", "name", frame.t("field-name")).value(name).optional().checked(&errors);
        let email = Field::new("email", "email", "email", frame.t("profile-new-address")).checked(&errors);
        Self { frame, house, errors, name, addresses, email }
    }
}
