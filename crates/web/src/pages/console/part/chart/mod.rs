//! Charts: inline SVG, drawn here from the numbers that stand in the table below them.
//!
//! Marks are drawn in a picture of their own that stretches with the page, words in one that does not: they
//! can be read on a telephone. A chart has [`MOST`] points at the most, each a few bytes of a path.

use askama::Template;
use doorward_core::usage::prices::amount;

use crate::pages::{frame::Frame, text::Text};

mod scale;
mod span;

use scale::{Scale, short, short_amount};
pub use span::{Span, Width};

/// Points of a chart at the most.
pub const MOST: usize = 100;

/// Pixels between the lowest and the highest line.
const HEIGHT: u32 = 140;
/// Pixels above the highest line, for its word.
const ABOVE: u32 = 8;
/// Pixels from the highest line to the words below.
const BELOW: u32 = 18;

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As bars; further values of a point stand on the ones before.
    Bars,
    /// As lines.
    Lines,
}

/// One point, from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// What stands below it, if its word is one of those shown.
    pub label: String,
    /// What it is called in the table.
    pub name: String,
    /// A value of each series; nothing where it is not known.
    pub values: Option<Vec<u64>>,
}

/// A line of the axis.
#[derive(Debug)]
struct Mark {
    y: u32,
    word: String,
}

/// A word below the axis.
#[derive(Debug)]
struct Word {
    /// Where it stands, in per cent.
    x: String,
    anchor: &'static str,
    text: String,
}

/// A series: its class and its path.
#[derive(Debug)]
struct Drawn {
    class: &'static str,
    path: String,
}

/// The classes of the series, each with its colours in the stylesheet.
const CLASSES: [&str; 2] = ["one", "two"];

/// What the numbers of a chart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// How many.
    Times,
    /// How much, in billionths of the currency unit.
    Amounts,
}

impl Measure {
    /// All of a number.
    fn exact(self, text: Text, value: u64) -> String {
        match self {
            Self::Times => text.number(value),
            Self::Amounts => amount(i64::try_from(value).unwrap_or(i64::MAX)),
        }
    }

    /// A round number, as short as an axis needs it.
    fn short(self, mark: u128) -> String {
        match self {
            Self::Times => short(mark),
            Self::Amounts => short_amount(mark),
        }
    }
}

/// A chart with its table.
#[derive(Template, Debug)]
#[template(path = "console/part/chart.html")]
pub struct Chart {
    id: &'static str,
    title: String,
    unit: String,
    desc: String,
    measure: Measure,
    shape: Shape,
    series: Vec<String>,
    when: String,
    numbers: String,
    points: Vec<Point>,
    marks: Vec<Mark>,
    words: Vec<Word>,
    drawn: Vec<Drawn>,
    text: Text,
    unknown: String,
}

impl Chart {
    /// A chart of these points, each with a value of every series.
    pub fn new(
        frame: &Frame,
        named: (&'static str, String),
        shape: Shape,
        series: Vec<String>,
        points: Vec<Point>,
    ) -> Self {
        Self::of(frame, named, (Measure::Times, shape), series, points)
    }

    /// The same of amounts, in billionths of the currency unit.
    pub fn amounts(
        frame: &Frame,
        named: (&'static str, String),
        shape: Shape,
        series: Vec<String>,
        points: Vec<Point>,
    ) -> Self {
        Self::of(frame, named, (Measure::Amounts, shape), series, points)
    }

    fn of(
        frame: &Frame,
        (id, title): (&'static str, String),
        (measure, shape): (Measure, Shape),
        series: Vec<String>,
        points: Vec<Point>,
    ) -> Self {
        let scale = Scale::over(greatest(shape, &points));
        let line =
            |mark| Mark { y: ABOVE + HEIGHT - scale.height(mark, HEIGHT) / 10, word: measure.short(mark) };
        let drawn = CLASSES.into_iter().take(series.len()).enumerate();
        Self {
            id,
            title,
            unit: String::new(),
            desc: describe(frame, measure, &series, &points),
            measure,
            shape,
            when: frame.t("chart-when"),
            numbers: frame.t("chart-numbers"),
            marks: scale.marks().map(line).collect(),
            words: words(&points),
            drawn: drawn
                .map(|(place, class)| Drawn { class, path: path(shape, scale, &points, place) })
                .collect(),
            series,
            points,
            text: frame.text,
            unknown: frame.t("chart-unknown"),
        }
    }

    /// What its numbers count, beside the title.
    #[must_use]
    pub fn unit(mut self, unit: String) -> Self {
        self.unit = unit;
        self
    }

    const fn whole_height() -> u32 {
        ABOVE + HEIGHT + BELOW
    }

    fn number(&self, value: &u64) -> String {
        self.measure.exact(self.text, *value)
    }

    fn is_bars(&self) -> bool {
        self.shape == Shape::Bars
    }
}

fn sum(values: &[u64]) -> u64 {
    values.iter().fold(0, |sum, value| sum.saturating_add(*value))
}

fn greatest(shape: Shape, points: &[Point]) -> u64 {
    let of = |values: &Vec<u64>| match shape {
        Shape::Bars => sum(values),
        Shape::Lines => values.iter().copied().max().unwrap_or_default(),
    };
    points.iter().filter_map(|point| point.values.as_ref()).map(of).max().unwrap_or_default()
}

/// From when to when, and of each series what it comes to and where it is greatest.
fn describe(frame: &Frame, measure: Measure, series: &[String], points: &[Point]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return frame.t("chart-empty");
    };
    let mut told = frame.text.with2("chart-span", ("from", &first.name), ("to", &last.name));
    for (place, name) in series.iter().enumerate() {
        let known = points.iter().filter_map(|point| Some((point, *point.values.as_ref()?.get(place)?)));
        let Some((most, value)) = known.max_by_key(|(_, value)| *value) else { continue };
        let sentence = match value {
            0 => frame.tv("chart-none", "series", name),
            value => frame.text.with_each(
                "chart-most",
                &[("series", name), ("most", &measure.exact(frame.text, value)), ("at", &most.name)],
            ),
        };
        told.push(' ');
        told.push_str(&sentence);
    }
    told
}

/// The words below: the first, one in the middle and the last, so that none touches another on a telephone.
fn words(points: &[Point]) -> Vec<Word> {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let mut places = vec![0, last / 2, last];
    places.dedup();
    let word = |place: usize| {
        let (x, anchor) = match place {
            _ if last == 0 => ("50".to_owned(), "middle"),
            0 => ("0".to_owned(), "start"),
            _ if place == last => ("100".to_owned(), "end"),
            _ => (percent(place, points.len()), "middle"),
        };
        Some(Word { x, anchor, text: points.get(place)?.label.clone() })
    };
    places.into_iter().filter_map(word).collect()
}

/// The middle of a point, in per cent of the width.
fn percent(place: usize, of: usize) -> String {
    tenths((2 * place + 1) * 500 / of)
}

/// A number in tenths as it is written.
fn tenths(value: usize) -> String {
    if value.is_multiple_of(10) { (value / 10).to_string() } else { format!("{}.{}", value / 10, value % 10) }
}

/// What is drawn of a series, a point being one wide.
fn path(shape: Shape, scale: Scale, points: &[Point], place: usize) -> String {
    match shape {
        Shape::Bars => bars(scale, points, place),
        Shape::Lines => line(scale, points, place),
    }
}

fn y_of(height: u32) -> String {
    tenths(usize::try_from(HEIGHT * 10 - height.min(HEIGHT * 10)).unwrap_or_default())
}

fn bars(scale: Scale, points: &[Point], place: usize) -> String {
    let mut path = String::new();
    for (x, point) in points.iter().enumerate() {
        let Some((values, value)) = point.values.as_ref().and_then(|all| Some((all, *all.get(place)?)))
        else {
            continue;
        };
        if value == 0 {
            continue;
        }
        let below = values.get(..place).map_or(0, sum);
        let foot = scale.height(u128::from(below), HEIGHT);
        // What happened at all is seen.
        let head = scale.height(u128::from(below) + u128::from(value), HEIGHT).max(foot + 10);
        path.push_str(&format!("M{x}.15 {}h.7V{}h-.7z", y_of(foot), y_of(head)));
    }
    path
}

/// What is not known breaks the line; a point by itself is a dot.
fn line(scale: Scale, points: &[Point], place: usize) -> String {
    let mut path = String::new();
    let mut is_going_on = false;
    for (x, point) in points.iter().enumerate() {
        let Some(value) = point.values.as_ref().and_then(|all| all.get(place)) else {
            is_going_on = false;
            continue;
        };
        let y = y_of(scale.height(u128::from(*value), HEIGHT));
        path.push_str(&if is_going_on { format!("L{x}.5 {y}") } else { format!("M{x}.5 {y}h0") });
        is_going_on = true;
    }
    path
}

#[cfg(test)]
mod tests;
