//! Statements on brands.

use doorward_proto::{
    id::{Client, Id, Org},
    time::Time,
};

use super::{Color, Format, Logo, Look, Picture};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

/// Whose brand: an organisation's, or that of one of its applications.
pub(super) type Whose = (Id<Org>, Option<Id<Client>>);

const LOOK: &str =
    "SELECT name, logo_hash, logo_format, logo_width, logo_height, primary_color, accent_color,
        background_color, support_uri, terms_uri, privacy_uri, version
    FROM brands WHERE org_id = $1 AND client_id = $2";
const SAVE: &str = "INSERT INTO brands (org_id, client_id, name, primary_color, accent_color, background_color,
        support_uri, terms_uri, privacy_uri, version, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (org_id, client_id) DO UPDATE SET name = excluded.name, primary_color = excluded.primary_color,
        accent_color = excluded.accent_color, background_color = excluded.background_color,
        support_uri = excluded.support_uri, terms_uri = excluded.terms_uri, privacy_uri = excluded.privacy_uri,
        version = excluded.version, updated_at = excluded.updated_at";
const SAVE_PICTURE: &str = "UPDATE brands SET logo = $3, logo_hash = $4, logo_format = $5, logo_width = $6,
        logo_height = $7
    WHERE org_id = $1 AND client_id = $2";
// every org: a picture is found by what it is, and shown to whoever was told that.
// sort: the few who show one picture
const PICTURE: &str = "SELECT logo, logo_format, logo_width, logo_height FROM brands
    WHERE logo_hash = $1 ORDER BY org_id, client_id LIMIT 1";
const REMOVE_ALL: &str = "DELETE FROM brands WHERE org_id = $1";

fn client_text(client: Option<Id<Client>>) -> String {
    client.map_or_else(String::new, |client| client.to_string())
}

fn color(text: Option<String>) -> Result<Option<Color>> {
    text.map(|text| text.parse()).transpose()
}

fn size(row: &Row<'_>, column: usize) -> Result<(u32, u32)> {
    Ok((u32::try_from(row.int(column)?)?, u32::try_from(row.int(column + 1)?)?))
}

fn read(row: &Row<'_>) -> Result<Look> {
    let logo = match row.opt_text(1)? {
        Some(hash) => {
            Some(Logo { hash, format: Format::from_extension(&row.text(2)?)?, size: size(row, 3)? })
        }
        None => None,
    };
    Ok(Look {
        name: row.opt_text(0)?,
        logo,
        primary: color(row.opt_text(5)?)?,
        accent: color(row.opt_text(6)?)?,
        background: color(row.opt_text(7)?)?,
        support: row.opt_text(8)?,
        terms: row.opt_text(9)?,
        privacy: row.opt_text(10)?,
        version: row.int(11)?,
    })
}

pub(super) async fn look(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    client: Option<Id<Client>>,
) -> Result<Option<Look>> {
    tx.opt(LOOK, args![org, client_text(client)], read).await
}

pub(super) async fn save(tx: &mut Tx<'_>, (org, client): Whose, look: &Look, now: Time) -> Result<()> {
    let text = |color: Option<Color>| color.map(|color| color.to_string());
    let values = args![
        org,
        client_text(client),
        &look.name,
        text(look.primary),
        text(look.accent),
        text(look.background),
        &look.support,
        &look.terms,
        &look.privacy,
        look.version,
        now
    ];
    tx.exec(SAVE, values).await?;
    Ok(())
}

pub(super) async fn save_picture(
    tx: &mut Tx<'_>,
    (org, client): Whose,
    picture: Option<&Picture>,
) -> Result<()> {
    let values = args![
        org,
        client_text(client),
        picture.map(|picture| picture.bytes.as_slice()),
        picture.map(Picture::hash),
        picture.map(|picture| picture.format.extension()),
        picture.map(|picture| i64::from(picture.size.0)),
        picture.map(|picture| i64::from(picture.size.1))
    ];
    tx.exec(SAVE_PICTURE, values).await?;
    Ok(())
}

fn read_picture(row: &Row<'_>) -> Result<Picture> {
    let format = Format::from_extension(&row.text(1)?)?;
    Ok(Picture { bytes: row.bytes(0)?, format, size: size(row, 2)? })
}

pub(super) async fn picture(tx: &mut ReadTx<'_>, hash: &str) -> Result<Option<Picture>> {
    tx.opt(PICTURE, args![hash], read_picture).await
}

pub(super) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL, args![org]).await?;
    Ok(())
}
