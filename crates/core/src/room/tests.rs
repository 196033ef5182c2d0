use super::*;

const LASTS: Duration = Duration::from_secs(100);

fn at(seconds: i64) -> (Time, Code) {
    (Time::from_seconds(seconds), Code::Overloaded)
}

#[test]
fn what_is_gone_leaves_room() {
    let room = Room::new(10, LASTS);
    for _ in 0..10 {
        room.take("a", 1, at(0)).unwrap();
    }
    let refused = room.take("a", 1, at(0)).unwrap_err();
    let crate::outcome::Error::Refused(refused) = refused else { panic!("{refused:?}") };
    assert_eq!((refused.code, refused.retry_after), (Code::Overloaded, Some(11)));
    room.take("b", 10, at(0)).unwrap();
    room.take("a", 1, at(10)).unwrap();
    assert!(room.take("a", 1, at(10)).is_err());
    assert!(room.take("a", 11, at(1000)).is_err(), "more than there ever is");
    room.take("a", 10, at(1000)).unwrap();
}

#[test]
fn who_is_counted_is_bounded_too() {
    let room = Room::new(1, LASTS);
    for key in 0..KEYS + 10 {
        room.take(&key.to_string(), 1, at(0)).unwrap();
    }
    assert!(room.held.lock().unwrap().len() <= KEYS);
    for key in 0..KEYS {
        room.take(&format!("later {key}"), 1, at(100)).unwrap();
    }
    assert!(room.held.lock().unwrap().len() <= KEYS);
}
