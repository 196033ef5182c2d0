use proptest::prelude::*;

use super::*;

/// `docs/attacks.md` shows it.
#[test]
fn every_path_of_the_corpus_is_read_as_it_says() {
    let corpus = include_str!("../../../../vectors/attacks/paths.json");
    let corpus: serde_json::Value = serde_json::from_str(corpus).unwrap();
    let (mut read, mut refused) = (0, 0);
    for case in corpus["cases"].as_array().unwrap() {
        let path = case["path"].as_str().unwrap();
        let answer = match NormalPath::read(path) {
            Ok(normal) => normal.to_string(),
            Err(trick) => format!("refused: {trick}"),
        };
        *(if answer.starts_with('/') { &mut read } else { &mut refused }) += 1;
        assert_eq!(case["answer"], answer, "{path}");
    }
    assert!(read > 10 && refused > 40, "{read} {refused}");
    assert_eq!(NormalPath::read(&format!("/{}", "a".repeat(LONGEST))), Err(Trick::TooLong));
}

proptest! {
    /// The normal form is its own normal form, and hides nothing.
    #[test]
    fn normal_forms_stay(path in "/[a-zA-Z0-9%./;\\\\ ~-]{0,40}") {
        if let Ok(normal) = NormalPath::read(&path) {
            let again = NormalPath::read(normal.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&normal));
            prop_assert!(normal.segments().all(|segment| segment != ".." && segment != "."));
        }
    }
}

#[test]
fn no_path_breaks_the_reader() {
    let corpus: &[&[u8]] = &[b"/a/%2e%2e/b?c", b"/caf%c3%a9/%25zz", b"//x;y\\z"];
    doorward_fuzz::fuzz("path", corpus, |input| {
        let Ok(Ok(normal)) = std::str::from_utf8(input).map(NormalPath::read) else { return false };
        assert_eq!(NormalPath::read(normal.as_str()).as_ref(), Ok(&normal));
        true
    });
}
