//! The authorization in progress, as pages see it: who asked, and what the request says about the person.

use doorward_core::outcome::Result;

use super::{
    frame::{Asker, Frame},
    visit::Visit,
};

/// What pages need of an authorization in progress.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who asked.
    pub asker: Asker,
    /// Whom the application expects.
    pub login_hint: Option<String>,
}

/// The authorization that the visit carries.
pub async fn find(_visit: &Visit) -> Result<Option<Asked>> {
    Ok(None)
}

/// The frame, with the application that asked.
pub fn frame(visit: &Visit, asked: Option<&Asked>) -> Frame {
    let mut frame = visit.frame();
    frame.asker = asked.map(|asked| asked.asker.clone());
    frame
}
