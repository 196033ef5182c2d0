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

#[test]
fn a_tokens_name_tells_under_which_epochs_it_was_made() {
    let id: Id<Token> = Id::new(Time::from_millis(1_800_000_000_000), [0xff; 10]);
    let named = id.under(3, 70_000);
    assert!(named.is_under_principal(3) && named.is_under_client(70_000));
    assert!(!named.is_under_principal(4) && !named.is_under_client(69_999));
    assert_eq!(named.created_at(), id.created_at());
    assert_eq!(named.to_string().parse::<Id<Token>>().unwrap(), named);
    assert_ne!(
        Id::<Token>::new(id.created_at(), [0; 10]).under(3, 70_000),
        named,
        "the rest is random still"
    );
}
