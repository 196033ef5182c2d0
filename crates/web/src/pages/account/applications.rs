//! Applications with access: what each may do, since when, and taking it back.

use askama::Template;

use super::{House, Room};
use crate::pages::{consent::Wish, frame::Frame, frame::initials, when::When};

/// An application that the person has allowed something.
#[derive(Debug, Clone)]
pub struct Application {
    /// What forms send.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub wishes: Vec<Wish>,
    /// When it was allowed.
    pub since: When,
    /// When it last got a token.
    pub used: Option<When>,
}

impl Application {
    fn initial(&self) -> String {
        initials(&self.name, 1)
    }
}

/// The page.
#[derive(Template)]
#[template(path = "account/applications.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    applications: Vec<Application>,
}

impl<'a> Page<'a> {
    /// The page; in the order of the names.
    pub fn new(house: &'a House<'a>, applications: Vec<Application>) -> Self {
        Self { frame: house.frame, house, applications }
    }
}
