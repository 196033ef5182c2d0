use super::*;

#[test]
fn what_was_used_is_known_until_its_end_and_never_too_much_of_it() {
    let (memory, at) = (Memory::default(), Time::from_seconds);
    assert!(memory.is_first("a", at(30), at(0)));
    assert!(!memory.is_first("a", at(30), at(29)));
    assert!(memory.is_first("b", at(60), at(31)));
    assert_eq!(memory.states.0.lock().unwrap().keys.len(), 1);
    for state in 0..=CAPACITY {
        assert!(memory.is_first(&state.to_string(), at(60), at(31)));
    }
    assert_eq!(memory.states.0.lock().unwrap().keys.len(), CAPACITY);
    assert!(memory.end("token", at(30), at(0)));
    assert!(memory.is_ended("token") && !memory.is_ended("other"));
    assert!(!memory.end("token", at(30), at(0)));
    assert_eq!(memory.ends(), 1);
}
