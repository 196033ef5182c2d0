//! Hash texts: which are read, which cost too much, what truncation means.

use proptest::prelude::*;

use super::{hash::Hashed, offline};
use crate::outcome::Code;

fn verifies(text: &str, password: &str) -> bool {
    Hashed::parse(text).unwrap().verify(password.as_bytes(), &mut Vec::new()).unwrap()
}

#[test]
fn what_is_made_is_read_again_and_memory_may_be_dirty() {
    let mut memory = Vec::new();
    let made = Hashed::make(b"a password", [9; 16], &mut memory).unwrap();
    assert!(made.is_current());
    let read = Hashed::parse(made.text()).unwrap();
    assert!(read == made);
    for (password, is_right) in [("a password", true), ("a passwore", false), ("", false)] {
        assert_eq!(read.verify(password.as_bytes(), &mut memory).unwrap(), is_right);
    }
    assert!(!format!("{made:?}").contains(made.text().rsplit('$').next().unwrap()));
}

#[test]
fn bcrypt_looks_at_72_bytes_as_it_does_everywhere() {
    let hash = "$2b$04$BLuGRDO/lh9YEfoZin0hIu6QL7JQrOgf01zbNSR8a7rsZ7.UaMvHC";
    assert!(verifies(hash, &"x".repeat(72)));
    assert!(verifies(hash, &"x".repeat(100)));
    assert!(!verifies(hash, &"x".repeat(71)));
}

#[test]
fn a_hash_that_costs_too_much_or_is_malformed_is_refused() {
    let salt_and_digest = "MDEyMzQ1Njc4OWFiY2RlZg$HFwUGkY42uGsnd4wNA/7490v/v8eGdrYsCcbNTQi2zo";
    let refused = [
        "$2b$15$bfYc/UVubFRxalPAlZnMHeGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXe".to_owned(),
        "$2x$05$bfYc/UVubFRxalPAlZnMHeGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXe".to_owned(),
        "$2b$5$bfYc/UVubFRxalPAlZnMHeGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXe".to_owned(),
        // Bits beyond the last byte of the salt, and of the digest: no program could verify these.
        "$2b$05$bfYc/UVubFRxalPAlZnMHfGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXe".to_owned(),
        "$2b$05$bfYc/UVubFRxalPAlZnMHeGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXf".to_owned(),
        format!("pbkdf2_sha256$1000${}$g7ccU2j1+gZni9GGBsDwD1zIXChjA+GD2r42Z/F0d3I=", "s".repeat(65)),
        format!("pbkdf2_sha256$1000$salt${}", "AAAA".repeat(30)),
        format!("$scrypt$ln=20,r=8,p=1${salt_and_digest}"),
        format!("$scrypt$ln=63,r=8,p=1${salt_and_digest}"),
        format!("$scrypt$ln=0,r=8,p=1${salt_and_digest}"),
        format!("$scrypt$r=8,ln=10,p=1${salt_and_digest}"),
        format!("$pbkdf2-sha256$i=3000001${salt_and_digest}"),
        format!("$pbkdf2-sha256$i=0${salt_and_digest}"),
        format!("$pbkdf2-md5$i=1000${salt_and_digest}"),
        format!("$argon2id$v=19$m=1048576,t=2,p=1${salt_and_digest}"),
        format!("$argon2id$v=19$m=65536,t=100,p=1${salt_and_digest}"),
        format!("$argon2id$v=18$m=64,t=1,p=1${salt_and_digest}"),
        format!("$argon2id$m=64,t=1,p=1${salt_and_digest}"),
        "$argon2id$v=19$m=64,t=1,p=1$$".to_owned(),
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAA".to_owned(),
        "plain text".to_owned(),
        String::new(),
        "$".repeat(600),
    ];
    for text in refused {
        let refusal = Hashed::parse(&text).unwrap_err();
        assert_eq!(refusal.code(), Some(Code::PasswordHashUnsupported), "{text:.80}");
    }
}

#[test]
fn an_example_costs_the_same_and_opens_to_nobody() {
    let texts = [
        "$2b$05$bfYc/UVubFRxalPAlZnMHeGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXe",
        "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$HFwUGkY42uGsnd4wNA/7490v/v8eGdrYsCcbNTQi2zo",
        "pbkdf2_sha256$1000$seasalt$g7ccU2j1+gZni9GGBsDwD1zIXChjA+GD2r42Z/F0d3I=",
        "$argon2i$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$zNiTuM8uPMmbfgfeGMEpVzROcj5tIplPNf63M2orh7k",
    ];
    for text in texts {
        let real = Hashed::parse(text).unwrap();
        assert!(real.verify(b"correct-Horse7-battery", &mut Vec::new()).unwrap(), "{text}");
        let example = Hashed::parse(&real.example()).unwrap();
        assert_eq!(example.scheme(), real.scheme());
        for password in ["correct-Horse7-battery", ""] {
            assert!(!example.verify(password.as_bytes(), &mut Vec::new()).unwrap());
        }
    }
}

#[test]
fn the_shipped_list_is_whole_and_knows_what_everybody_uses() {
    for known in ["123456", "password", "Password1", "qwertyuiop", "iloveyou", "LETMEIN123", "password123"] {
        assert!(offline::contains(known), "{known}");
    }
    for unknown in ["correct-Horse7-battery", "", "tromboneSunset-44x"] {
        assert!(!offline::contains(unknown), "{unknown}");
    }
    assert!(offline::is_sorted_and_full());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,120}", tail in "[$=,a-z0-9./+]{0,120}") {
        let heads = ["", "$argon2id$v=19$", "$2b$05$", "$scrypt$", "$pbkdf2-sha256$", "pbkdf2_sha256$"];
        for head in heads {
            for rest in [&text, &tail] {
                if let Ok(hashed) = Hashed::parse(&format!("{head}{rest}")) {
                    prop_assert!(Hashed::parse(&hashed.example()).is_ok());
                }
            }
        }
    }
}
