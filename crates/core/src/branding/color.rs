//! Brand colours, and whether people can read what stands on them (WCAG 2.2, 1.4.3).
//!
//! What is chosen is the shade of the light pages. It is refused where text on it would not be readable there;
//! the shade of the dark pages is derived from it, so that it always is.

use std::{fmt, str::FromStr};

use crate::outcome::{Code, Error, Refusal, Result};

/// The least contrast of text with what it stands on.
pub const LEAST: f64 = 4.5;

/// A colour of the sRGB space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color([u8; 3]);

const WHITE: Color = Color([0xff, 0xff, 0xff]);
const BLACK: Color = Color([0, 0, 0]);
/// What links stand on, on light pages: their paper, which is darker than their cards.
const PAPER: Color = Color([0xf6, 0xf6, 0xf4]);
/// What soft text is written with.
const SOFT: Color = Color([0x56, 0x5b, 0x66]);
/// The cards of dark pages, which are lighter than their paper.
const DARK_CARD: Color = Color([0x15, 0x18, 0x1d]);
const DARK_PAPER: Color = Color([0x0e, 0x10, 0x13]);
/// What is written on buttons of dark pages.
const DARK_INK: Color = Color([0x0b, 0x0e, 0x14]);

/// The steps in which shades are looked for.
const STEPS: u32 = 256;

impl FromStr for Color {
    type Err = Error;

    /// `#rrggbb`.
    fn from_str(text: &str) -> Result<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let bytes =
            digits.and_then(|digits| data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok());
        let color = bytes.and_then(|bytes| bytes.try_into().ok()).map(Self);
        color.ok_or_else(|| Refusal::new(Code::RequestInvalid).hint("A colour is written #rrggbb").into())
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl Color {
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let part = f64::from(channel) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// The contrast with another colour, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// This much of `other` in it, of [`STEPS`].
    fn mixed(self, other: Self, part: u32) -> Self {
        let part = part.min(STEPS);
        let mix = |(one, two): (u8, u8)| {
            let sum = u32::from(one) * (STEPS - part) + u32::from(two) * part;
            u8::try_from((sum + STEPS / 2) / STEPS).unwrap_or(u8::MAX)
        };
        let [own_red, own_green, own_blue] = self.0;
        let [red, green, blue] = other.0;
        Self([(own_red, red), (own_green, green), (own_blue, blue)].map(mix))
    }

    /// The nearest shade towards `other` that can be read on or under `text`.
    fn towards(self, other: Self, text: Self) -> Self {
        let mut shades = (0..=STEPS).map(|part| self.mixed(other, part));
        shades.find(|shade| shade.contrast(text) >= LEAST).unwrap_or(other)
    }

    /// As much of it in `ground`, up to `part`, as leaves `text` readable on the mixture.
    fn tint(self, ground: Self, part: u32, text: Self) -> Self {
        let mut tints = (0..=part).rev().map(|part| ground.mixed(self, part));
        tints.find(|tint| tint.contrast(text) >= LEAST).unwrap_or(ground)
    }
}

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Buttons.
    Primary,
    /// Links and marks.
    Accent,
    /// What sign-in pages lie on.
    Background,
}

impl Part {
    /// The name of the member that holds it.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Primary => "primary_color",
            Self::Accent => "accent_color",
            Self::Background => "background_color",
        }
    }

    /// What stands on it or what it stands on, and how that is called.
    const fn beside(self) -> (Color, &'static str) {
        match self {
            Self::Primary => (WHITE, "White text on"),
            Self::Accent => (PAPER, "A link on the paper of pages in"),
            Self::Background => (SOFT, "The soft text of pages on"),
        }
    }

    /// Refuses a colour on which, or in which, people could not read.
    ///
    /// # Errors
    /// `RequestInvalid`, with the contrast it has and the nearest shade that has enough.
    pub fn check(self, color: Color) -> Result<()> {
        let (beside, what) = self.beside();
        let ratio = color.contrast(beside);
        if ratio >= LEAST {
            return Ok(());
        }
        let nearest = color.towards(if self == Self::Background { WHITE } else { BLACK }, beside);
        // Cut and not rounded: 4.48 is no 4.5.
        let ratio = (ratio * 100.0).floor() / 100.0;
        let hint = format!(
            "{what} {color} has a contrast of {ratio:.2}:1 and needs {LEAST}:1; the nearest shade that has it is \
             {nearest}"
        );
        let refusal = Refusal::new(Code::RequestInvalid).field(self.member()).hint(hint);
        Err(refusal.fact("contrast", ratio).fact("nearest", nearest.to_string()).into())
    }
}

/// The shades of one of the two schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shades {
    /// The colour.
    pub plain: Color,
    /// Under the pointer.
    pub strong: Color,
    /// Behind marks in the plain shade.
    pub soft: Color,
    /// What is written on it.
    pub text: Color,
}

impl Shades {
    /// Those of the light pages.
    pub fn light(color: Color) -> Self {
        let strong = color.mixed(BLACK, STEPS / 5);
        Self { plain: color, strong, soft: color.tint(WHITE, STEPS / 12, color), text: WHITE }
    }

    /// Those of the dark pages.
    pub fn dark(color: Color) -> Self {
        let plain = color.towards(WHITE, DARK_CARD);
        let soft = plain.tint(DARK_CARD, STEPS / 7, plain);
        Self { plain, strong: plain.mixed(WHITE, STEPS / 3), soft, text: DARK_INK }
    }
}

/// What the sign-in pages lie on in the dark.
pub fn dark_background(color: Color) -> Color {
    color.tint(DARK_PAPER, STEPS / 8, Color([0xa5, 0xab, 0xb7]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        text.parse().unwrap()
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        for (one, two, ratio) in [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#ffffff", 1.0),
            ("#777777", "#ffffff", 4.478),
            ("#767676", "#ffffff", 4.542),
            ("#0000ff", "#ffffff", 8.592),
            ("#ff0000", "#00ff00", 2.914),
        ] {
            let found = color(one).contrast(color(two));
            assert!((found - ratio).abs() < 0.001, "{one} {two}: {found}");
            assert!((found - color(two).contrast(color(one))).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for bad in ["", "2b4acb", "#2b4ac", "#2b4acb0", "#gggggg", "red", "#2b4acb;", "#ü4acb"] {
            assert!(bad.parse::<Color>().is_err(), "{bad}");
        }
        assert_eq!(color("#2B4aCb").to_string(), "#2b4acb");
    }

    #[test]
    fn a_refusal_names_the_contrast_and_a_shade_that_is_taken() {
        for (part, bad) in
            [(Part::Primary, "#ffcc00"), (Part::Accent, "#66aaff"), (Part::Background, "#202020")]
        {
            let Err(Error::Refused(refusal)) = part.check(color(bad)) else { panic!("{bad} is taken") };
            assert_eq!(refusal.field.as_deref(), Some(part.member()));
            let nearest =
                refusal.facts.iter().find(|(name, _)| *name == "nearest").unwrap().1.as_str().unwrap();
            assert!(refusal.hint.contains(nearest) && refusal.hint.contains(bad), "{}", refusal.hint);
            assert!(part.check(color(nearest)).is_ok(), "{nearest}");
        }
        let Err(Error::Refused(refusal)) = Part::Primary.check(color("#777777")) else { panic!("taken") };
        assert!(refusal.hint.contains("4.47:1"), "{}", refusal.hint);
    }

    /// Every colour that is taken gives pages, light and dark, on which everything can be read.
    #[test]
    fn every_shade_of_what_is_taken_can_be_read() {
        let steps = [0_u8, 17, 51, 85, 102, 119, 136, 153, 187, 221, 255];
        let all =
            steps.iter().flat_map(|r| steps.iter().flat_map(move |g| steps.map(|b| Color([*r, *g, b]))));
        let mut taken = 0;
        for color in all {
            let reads = |one: Color, two: Color| assert!(one.contrast(two) >= LEAST, "{color}: {one} {two}");
            if Part::Background.check(color).is_ok() {
                reads(SOFT, color);
                reads(Color([0xa5, 0xab, 0xb7]), dark_background(color));
            }
            for part in [Part::Primary, Part::Accent] {
                if part.check(color).is_err() {
                    continue;
                }
                taken += 1;
                let (light, dark) = (Shades::light(color), Shades::dark(color));
                let on_paper = if part == Part::Accent { PAPER } else { WHITE };
                for (shades, ground) in [(light, on_paper), (dark, DARK_CARD)] {
                    reads(shades.plain, ground);
                    reads(shades.strong, ground);
                    reads(shades.plain, shades.soft);
                    reads(shades.text, shades.plain);
                    reads(shades.text, shades.strong);
                }
            }
        }
        assert!(taken > 400, "{taken}");
    }
}
