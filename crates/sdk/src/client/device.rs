//! Tokens for a person who signs in on another device (RFC 8628): a program without a browser shows a code
//! and waits.
//!
//! The server's metadata tell whether it can; Doorward itself does not list the endpoint yet.

use std::{fmt, path::PathBuf, time::Duration};

use doorward_proto::{secret::SecretText, time::Time};
use serde::Deserialize;

use super::{
    SourceError,
    oauth::{Granted, OAuthClient, RefreshToken},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 8628 3.5.
const SLOWER: Duration = Duration::from_secs(5);

/// Begins to sign somebody in.
pub struct Device {
    pub(super) client: OAuthClient,
    pub(super) file: PathBuf,
}

/// RFC 8628 3.2.
#[derive(Deserialize)]
struct Begun {
    device_code: SecretText,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

/// Waits for the person.
pub struct Waiting {
    client: OAuthClient,
    file: PathBuf,
    begun: Begun,
    ends_at: Time,
    interval: Duration,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("verification_uri", &self.begun.verification_uri)
            .finish_non_exhaustive()
    }
}

impl Device {
    /// Asks for a code to show.
    ///
    /// # Errors
    /// The server does not answer, refuses, or knows no such thing.
    pub async fn begin(self) -> Result<Waiting, SourceError> {
        let name = "device_authorization_endpoint";
        let endpoint = self.client.endpoint(name, |it| it.device_authorization_endpoint.as_ref()).await?;
        let mut form = Vec::new();
        self.client.target(&mut form);
        let begun: Begun = self.client.ask(&endpoint, form).await?;
        let ends_at = (self.client.clock)() + Duration::from_secs(begun.expires_in);
        let interval = Duration::from_secs(begun.interval.unwrap_or(5).max(1));
        Ok(Waiting { client: self.client, file: self.file, begun, ends_at, interval })
    }
}

impl Waiting {
    /// The code to show.
    pub fn user_code(&self) -> &str {
        &self.begun.user_code
    }

    /// Where to enter it.
    pub fn verification_uri(&self) -> &str {
        &self.begun.verification_uri
    }

    /// Where to go without entering it, for a link or a QR code.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.begun.verification_uri_complete.as_deref()
    }

    /// How long to wait before the next [`ask`](Self::ask): as the server said at first, and longer after it
    /// asked for patience or did not answer.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Asks once whether the person has agreed, for a program that waits in a loop of its own; `None` while
    /// there is no decision. After an agreement the refresh token is in the file, for the next start.
    ///
    /// # Errors
    /// `access_denied`, `expired_token`, and what else the server refuses for.
    pub async fn ask(&mut self) -> Result<Option<RefreshToken>, SourceError> {
        if (self.client.clock)() >= self.ends_at {
            let description = "nobody has signed in in time".to_owned();
            return Err(SourceError::Refused { error: "expired_token".to_owned(), description });
        }
        let form = vec![
            ("grant_type", GRANT.to_owned()),
            ("device_code", self.begun.device_code.expose().to_owned()),
        ];
        let granted: Result<Granted, SourceError> = self.client.grant(form).await;
        match granted {
            Ok(granted) => return self.client.clone().begun(self.file.clone(), &granted).map(Some),
            Err(SourceError::Refused { error, .. }) if error == "authorization_pending" => {}
            Err(SourceError::Refused { error, .. }) if error == "slow_down" => self.interval += SLOWER,
            // RFC 8628 3.5: less often while nobody answers.
            Err(SourceError::NoAnswer(_)) => self.interval *= 2,
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    /// Waits until the person has agreed, has refused, or has let the time go by.
    ///
    /// # Errors
    /// Those of [`ask`](Self::ask).
    pub async fn signed_in(mut self) -> Result<RefreshToken, SourceError> {
        loop {
            pause(self.interval).await;
            if let Some(source) = self.ask().await? {
                return Ok(source);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the protocol is to ask again after a while")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
