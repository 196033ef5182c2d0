//! What is drawn: every value follows from what it is for and a number, so two runs make the same rows, and
//! any row can be made again without the others.

use std::time::Duration;

use doorward_proto::{
    id::{Id, Kind},
    time::Time,
};

const FIRST: [&str; 40] = [
    "Anna",
    "Andrew",
    "Anders",
    "Anja",
    "Ana",
    "Bao",
    "Benedikt",
    "Björn",
    "Carla",
    "Chidi",
    "Dmitri",
    "Élodie",
    "Emre",
    "Fatima",
    "Georg",
    "Hana",
    "Ingrid",
    "Ivan",
    "Jürgen",
    "Kofi",
    "Léa",
    "Łukasz",
    "Maria",
    "Mehmet",
    "Nadia",
    "Øystein",
    "Olga",
    "Paula",
    "Quynh",
    "Rahel",
    "Søren",
    "Tomáš",
    "Ursula",
    "Victor",
    "Wei",
    "Xenia",
    "Yara",
    "Zoë",
    "Жанна",
    "李",
];
const LAST: [&str; 40] = [
    "Abel",
    "Ångström",
    "Baker",
    "Berg",
    "Costa",
    "Çelik",
    "Diaz",
    "Dvořák",
    "Eriksen",
    "Fischer",
    "Fontaine",
    "García",
    "Haddad",
    "Hoffmann",
    "Ivanova",
    "Jensen",
    "Kaya",
    "Kowalski",
    "Lang",
    "Lê",
    "Mensah",
    "Müller",
    "Nakamura",
    "Novak",
    "O'Neill",
    "Okafor",
    "Petrov",
    "Quist",
    "Rossi",
    "Şahin",
    "Schmidt",
    "Silva",
    "Tanaka",
    "Ueda",
    "Vogel",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhou",
    "Петрова",
];
const FIELDS: [&str; 12] = [
    "Analytics",
    "Bakery",
    "Clinic",
    "Design",
    "Energy",
    "Freight",
    "Garden",
    "Hotel",
    "Instruments",
    "Law",
    "Media",
    "Robotics",
];

/// What a number is drawn for.
#[derive(Debug, Clone, Copy)]
pub(super) enum For {
    User = 1,
    Personal,
    Team,
    Client,
    ServiceToken,
    Key,
    Browser,
    Session,
    Grant,
    Event,
    Detail,
    Mail,
    Name,
    Choice,
    Workspace,
}

/// 64 bits for the `number`th of its kind (`SplitMix64`).
pub(super) const fn bits(purpose: For, number: u64) -> u64 {
    let mut z = number.wrapping_add((purpose as u64) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One of so many.
pub(super) const fn one_of(purpose: For, number: u64, many: u64) -> u64 {
    bits(purpose, number) % if many == 0 { 1 } else { many }
}

/// 32 bytes: what stands where the hash of a secret stands that nobody has.
pub(super) fn hash(purpose: For, number: u64) -> Vec<u8> {
    (0..4).flat_map(|part| bits(purpose, number.wrapping_mul(4) + part).to_be_bytes()).collect()
}

/// 16 bytes.
pub(super) fn salt(number: u64) -> [u8; 16] {
    let [high, low] = [0, 1].map(|part| u128::from(bits(For::Detail, number * 2 + part)));
    ((high << 64) | low).to_be_bytes()
}

/// The id of the `number`th of its kind, made at that time.
pub(super) fn id<K: Kind>(purpose: For, number: u64, at: Time) -> Id<K> {
    let mut random = [0; 10];
    let drawn = [bits(purpose, number).to_be_bytes().as_slice(), &number.to_be_bytes()].concat();
    for (to, from) in random.iter_mut().zip(drawn) {
        *to = from;
    }
    Id::new(at, random)
}

/// The time of the `number`th of `count` things that are spread over a span that ends then.
pub(super) fn at(number: u64, count: u64, (end, span): (Time, Duration)) -> Time {
    let back = span.as_micros() * u128::from(count.saturating_sub(number)) / u128::from(count.max(1));
    end - Duration::from_micros(u64::try_from(back).unwrap_or(0))
}

/// A name that many share.
pub(super) fn name(number: u64) -> (&'static str, &'static str) {
    let drawn = bits(For::Name, number);
    let pick = |from: &[&'static str; 40], by: u64| {
        usize::try_from(by % 40).ok().and_then(|at| from.get(at).copied()).unwrap_or("Anna")
    };
    (pick(&FIRST, drawn), pick(&LAST, drawn >> 20))
}

/// What a business calls itself.
pub(super) fn business(number: u64) -> String {
    let field = usize::try_from(bits(For::Team, number) % 12).ok().and_then(|at| FIELDS.get(at).copied());
    format!("{} {} {number}", name(number).1, field.unwrap_or("Law"))
}
