//! `doorward import`: what other programs keep, taken over on the server's own machine. It can be
//! interrupted and run again.

use std::{io::Write as _, path::PathBuf};

use anyhow::Result;
use clap::Subcommand;
use doorward_core::service_tokens::import::{Report, Row, read};
use serde_json::json;

use super::{
    Common, Exit,
    manage::{
        connect::{Api, Ask},
        target,
    },
};
use crate::data::fault;

/// Rows taken over at once.
const TOGETHER: usize = 200;

/// What other programs keep.
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// Take the service tokens of an Orcheo database over; their secrets go on working.
    Orcheo {
        /// Orcheo's file, such as `service_tokens.sqlite`; it is only read.
        file: PathBuf,
    },
}

impl Import {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        let Self::Orcheo { file } = self;
        let rows = read(file).map_err(fault)?;
        let report = super::block_on(async {
            let api = target::on_this_machine(&common.load(Vec::new())?).await?;
            let report = send(&api, &rows).await;
            api.close().await?;
            report
        })?;
        tell(&report)
    }
}

async fn send(api: &Api, rows: &[Row]) -> Result<Report> {
    let mut whole = Report::default();
    let mut done = 0;
    for some in rows.chunks(TOGETHER) {
        let answer = api.send(Ask::post("/api/local/import/orcheo", json!({ "rows": some }))).await?;
        let report: Report = serde_json::from_value(answer)?;
        whole.imported += report.imported;
        whole.known += report.known;
        whole.left_out.extend(report.left_out);
        done += some.len();
        writeln!(std::io::stderr(), "{done} of {} rows", rows.len())?;
    }
    Ok(whole)
}

fn tell(report: &Report) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    for (name, why) in &report.left_out {
        let line: String = format!("left out {name:?}: {why}");
        let line: String = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        writeln!(out, "{line}")?;
    }
    let (imported, known, left_out) = (report.imported, report.known, report.left_out.len());
    writeln!(
        out,
        "{imported} service tokens were imported, {known} were there already, {left_out} were left out."
    )?;
    Ok(if left_out == 0 { Exit::Done } else { Exit::Failed })
}
