//! The closed word lists of an authorization request.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::oauth_error::Problem;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$word_doc])* #[serde(rename = $text)] $word,)* }

        impl $name {
            /// Every word.
            pub const ALL: &[Self] = &[$(Self::$word),*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or(())
            }
        }
    };
}

words! {
    /// How the answer gets to the redirect URI (OAuth 2.0 Multiple Response Types, Form Post, JARM).
    ResponseMode {
        /// In the query.
        Query = "query",
        /// In the fragment.
        Fragment = "fragment",
        /// By a form that posts itself.
        FormPost = "form_post",
        /// As a signed token, in the default place.
        Jwt = "jwt",
        /// As a signed token in the query.
        QueryJwt = "query.jwt",
        /// As a signed token in the fragment.
        FragmentJwt = "fragment.jwt",
        /// As a signed token by a form.
        FormPostJwt = "form_post.jwt",
    }
}

words! {
    /// A page that must be shown, or that none may be.
    Prompt {
        /// Nothing may be shown.
        None = "none",
        /// Sign in again.
        Login = "login",
        /// Ask for consent again.
        Consent = "consent",
        /// Let the person choose the account.
        SelectAccount = "select_account",
        /// Begin with registration (Initiating User Registration 1.0).
        Create = "create",
    }
}

words! {
    /// The kind of window the pages appear in.
    Display {
        /// A full page.
        Page = "page",
        /// A popup window.
        Popup = "popup",
        /// A device with touch.
        Touch = "touch",
        /// A feature phone.
        Wap = "wap",
    }
}

/// The `prompt` parameter: a set of [`Prompt`]s in which `none` stands alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prompts(Vec<Prompt>);

impl Prompts {
    /// Whether the request says nothing about pages.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a word is among them.
    pub fn contains(&self, prompt: Prompt) -> bool {
        self.0.contains(&prompt)
    }

    /// The words, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = Prompt> {
        self.0.iter().copied()
    }

    /// The set without a word: after the step it asks for has been taken.
    #[must_use]
    pub fn without(&self, prompt: Prompt) -> Self {
        Self(self.iter().filter(|own| *own != prompt).collect())
    }

    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut prompts = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let prompt = word.parse().map_err(|()| Problem::invalid("prompt", "has an unknown value"))?;
            if !prompts.contains(&prompt) {
                prompts.push(prompt);
            }
        }
        if prompts.len() > 1 && prompts.contains(&Prompt::None) {
            return Err(Problem::invalid("prompt", "has none beside other values"));
        }
        Ok(Self(prompts))
    }
}
