use super::*;

fn point(place: usize, values: &[u64]) -> Point {
    let values = (!values.is_empty()).then(|| values.to_vec());
    Point { label: format!("l{place}"), name: format!("day {place}"), values }
}

fn chart(shape: Shape, names: &[&str], all: &[&[u64]]) -> Chart {
    let frame = Frame::new("https://id.example", Text::fallback());
    let points = all.iter().enumerate().map(|(place, values)| point(place, values)).collect();
    let series = names.iter().map(|name| (*name).to_owned()).collect();
    Chart::new(&frame, ("calls", "Calls".to_owned()), shape, series, points)
}

fn paths(chart: &Chart) -> Vec<&str> {
    chart.drawn.iter().map(|drawn| drawn.path.as_str()).collect()
}

#[test]
fn bars_stand_on_one_another() {
    let chart = chart(Shape::Bars, &["good", "bad"], &[&[6, 2], &[0, 0], &[0, 4]]);
    // The axis goes to 8: a bar of 6 is 105 of 140 pixels high.
    assert_eq!(paths(&chart), ["M0.15 140h.7V35h-.7z", "M0.15 35h.7V0h-.7zM2.15 140h.7V70h-.7z"]);
    let marks: Vec<_> = chart.marks.iter().map(|mark| (mark.y, mark.word.as_str())).collect();
    assert_eq!(marks, [(148, "0"), (113, "2"), (78, "4"), (43, "6"), (8, "8")]);
}

#[test]
fn what_is_not_known_breaks_a_line_and_one_point_is_a_dot() {
    let chart = chart(Shape::Lines, &["people"], &[&[1], &[2], &[], &[4]]);
    assert_eq!(paths(&chart), ["M0.5 105h0L1.5 70M3.5 0h0"]);
    let html = chart.to_string();
    assert!(html.contains("<td>not kept</td>"), "{html}");
}

#[test]
fn nothing_one_point_and_the_greatest_numbers_are_drawn() {
    let none = chart(Shape::Bars, &["good"], &[]);
    assert_eq!((paths(&none), none.words.len()), (vec![""], 0));
    let zero = chart(Shape::Bars, &["good"], &[&[0], &[0]]);
    assert_eq!(paths(&zero), [""]);
    assert!(zero.desc.contains("good: none"), "{}", zero.desc);
    let one = chart(Shape::Lines, &["good"], &[&[7]]);
    assert_eq!((paths(&one), one.words.len(), one.words[0].anchor), (vec!["M0.5 17.5h0"], 1, "middle"));
    let huge = chart(Shape::Bars, &["good", "bad"], &[&[u64::MAX, u64::MAX], &[1, 0]]);
    assert_eq!(paths(&huge)[0], "M0.15 140h.7V10.9h-.7zM1.15 140h.7V139h-.7z");
    assert!(huge.to_string().contains("18,446,744,073,709,551,615"));
}

#[test]
fn it_says_in_words_what_it_shows() {
    let chart = chart(Shape::Bars, &["allowed", "denied"], &[&[1_200, 0], &[30, 5]]).unit("a day".to_owned());
    assert_eq!(
        chart.desc,
        "From day 0 to day 1. allowed: 1,200 at the most, day 0. denied: 5 at the most, day 1."
    );
    let html = chart.to_string();
    for part in [
        "role=\"img\"",
        "<title id=\"calls-title\">Calls</title>",
        "<desc id=\"calls-desc\">From day 0",
        "a day",
        "<td>1,200</td>",
        "<th scope=\"row\">day 1</th>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("style"), "no inline style: {html}");
}

#[test]
fn a_full_chart_is_small() {
    let values: Vec<[u64; 2]> = (0..MOST as u64).map(|n| [1_234_567 + n * 7_919, n * 104_729]).collect();
    let all: Vec<&[u64]> = values.iter().map(<[u64; 2]>::as_slice).collect();
    let html = chart(Shape::Bars, &["allowed", "denied"], &all).to_string();
    assert!(html.len() < 16_000, "{}", html.len());
    let words = html.matches("<text").count();
    assert!(words <= 3 + 6, "{words}");
}
