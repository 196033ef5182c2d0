use super::*;

#[test]
fn text_round_trips_and_orders_by_time() {
    let early = Id::<User>::new(Time::from_millis(1_000), [0xff; 10]);
    let late = Id::<User>::new(Time::from_millis(1_001), [0; 10]);
    assert!(early < late && early.to_string() < late.to_string());
    assert_eq!(early.to_string().len(), 30);
    assert_eq!(early.to_string().parse(), Ok(early));
    assert_eq!(late.created_at(), Time::from_millis(1_001));
}

#[test]
fn other_kinds_and_garbage_are_refused() {
    let id = Id::<User>::new(Time::from_millis(1), [7; 10]).to_string();
    for text in
        [id.replace("usr", "org"), id.to_uppercase(), id[..29].to_owned(), format!("{id}0"), String::new()]
    {
        assert!(text.parse::<Id<User>>().is_err(), "{text}");
    }
    assert!("usr_80000000000000000000000000".parse::<Id<User>>().is_err(), "129 bits");
}
