//! Signs the credentials of `vectors/http/*.json` from what they are made of: `cargo run -p doorward-sdk
//! --example vectors`. A credential stands on a line of its own; one whose content has not changed keeps its
//! signature, so that a run changes nothing but what was edited.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair},
};
use data_encoding::BASE64;
use doorward_proto::jose::{Alg, SigningKey, encode_base64url};
use serde::Deserialize;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A key of the kit. It is no secret: it signs nothing else.
#[derive(Deserialize)]
struct Key {
    alg: String,
    /// A private key as PKCS#8.
    #[serde(default)]
    pkcs8: String,
    /// The bytes of a shared secret, as text.
    #[serde(default)]
    secret: String,
}

/// What a credential is made of.
#[derive(Deserialize)]
struct Recipe {
    header: Value,
    #[serde(default)]
    claims: Value,
    /// The payload as it is, where JSON could not say it.
    #[serde(default)]
    payload: Option<String>,
    /// Who signs; nobody leaves the signature empty.
    #[serde(default)]
    key: Option<String>,
    /// Takes the signature of another credential.
    #[serde(default)]
    signature_of: Option<String>,
    /// What is written behind it.
    #[serde(default)]
    append: String,
    #[serde(default)]
    compact: String,
}

fn main() -> Outcome<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/http");
    let keys: BTreeMap<String, Key> = serde_json::from_str(&fs::read_to_string(folder.join("keys.json"))?)?;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if !path.ends_with("keys.json") {
            let text = fs::read_to_string(&path)?;
            fs::write(&path, signed(&text, &keys)?)?;
        }
    }
    Ok(())
}

/// The file with every credential signed.
fn signed(text: &str, keys: &BTreeMap<String, Key>) -> Outcome<String> {
    let mut made: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let bare = line.trim().trim_end_matches(',');
        let written: Option<BTreeMap<String, Value>> = serde_json::from_str(&format!("{{{bare}}}")).ok();
        let named = written.and_then(|members| members.into_iter().next());
        let Some((name, mut value)) = named.filter(|(_, value)| value.get("header").is_some()) else {
            lines.push(line.to_owned());
            continue;
        };
        let compact = compact(&serde_json::from_value(value.clone())?, keys, &made)?;
        value["compact"] = compact.clone().into();
        made.insert(name.clone(), compact);
        let comma = if line.trim_end().ends_with(',') { "," } else { "" };
        lines.push(format!("  {}: {}{comma}", json!(name), in_order(&value)));
    }
    Ok(lines.join("\n") + "\n")
}

/// What it is made of first.
fn in_order(value: &Value) -> String {
    let names = ["header", "claims", "payload", "key", "signature_of", "append", "compact"];
    let members = names.iter().filter_map(|name| Some(format!("{}: {}", json!(name), value.get(name)?)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

fn compact(
    recipe: &Recipe,
    keys: &BTreeMap<String, Key>,
    made: &BTreeMap<String, String>,
) -> Outcome<String> {
    let payload = recipe.payload.clone().unwrap_or_else(|| recipe.claims.to_string());
    let header = encode_base64url(recipe.header.to_string().as_bytes());
    let input = format!("{header}.{}", encode_base64url(payload.as_bytes()));
    let old = recipe.compact.strip_suffix(&recipe.append).unwrap_or_default();
    let old = old.strip_prefix(&format!("{input}.")).filter(|signature| !signature.is_empty());
    let signature = match (old, &recipe.key, &recipe.signature_of) {
        (Some(signature), Some(_), None) => signature.to_owned(),
        (_, _, Some(other)) => {
            let other = made.get(other).ok_or("signature_of names one further down")?;
            other.rsplit('.').next().unwrap_or_default().to_owned()
        }
        (_, Some(name), None) => sign(keys.get(name).ok_or("there is no such key")?, &input)?,
        (_, None, None) => String::new(),
    };
    Ok(format!("{input}.{signature}{}", recipe.append))
}

fn sign(key: &Key, input: &str) -> Outcome<String> {
    if key.alg == "HS256" {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.secret.as_bytes());
        return Ok(encode_base64url(hmac::sign(&key, input.as_bytes()).as_ref()));
    }
    let pkcs8 = BASE64.decode(key.pkcs8.as_bytes())?;
    if let Some(signature) = sign_as_others(&key.alg, &pkcs8, input.as_bytes())? {
        return Ok(encode_base64url(&signature));
    }
    let key = SigningKey::from_pkcs8(key.alg.parse::<Alg>()?, &pkcs8)?;
    let (header, payload) = input.split_once('.').unwrap_or_default();
    let payload = doorward_proto::jose::decode_base64url(payload.as_bytes())?;
    let token = doorward_proto::jose::sign_encoded(&key, header, &payload)?;
    Ok(token.rsplit('.').next().unwrap_or_default().to_owned())
}

/// What the library only verifies.
fn sign_as_others(alg: &str, pkcs8: &[u8], input: &[u8]) -> Outcome<Option<Vec<u8>>> {
    let random = SystemRandom::new();
    let padding = match alg {
        "ES384" => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8)?;
            return Ok(Some(pair.sign(&random, input)?.as_ref().to_vec()));
        }
        "PS256" => &RSA_PSS_SHA256,
        _ => return Ok(None),
    };
    let pair = RsaKeyPair::from_pkcs8(pkcs8)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &random, input, &mut signature)?;
    Ok(Some(signature))
}
