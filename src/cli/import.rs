//! `plimsoll import`: somebody else's recording becomes one of ours, to be replayed through the daemon.

use super::{
    Outcome, Usage, input,
    labelled_folder::{self, Wishes, encode},
};
use crate::cli::out::say_line;
use crate::{
    decode::imported,
    model::{
        body::Segment, command::SetRole, plan::TrainingSide, session::SessionHeader,
        units::STANDARD_GRAVITY,
    },
    wire::{
        labelled::items::{Labels, items},
        recording::{Item, Writer},
    },
};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Arguments of `plimsoll import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder with `meta.json` and tables, or one CSV file.
    path: PathBuf,
    /// The recording to write (`.mcap`).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Client pseudonym; must be that of the plan it will be judged by.
    #[arg(long)]
    client: Option<String>,
    /// Exercise library id; without it that of `meta.json`.
    #[arg(long)]
    exercise: Option<String>,
    /// Side that works; without it the only side with sensors, else both.
    #[arg(long, value_enum)]
    side: Option<SideArg>,
    /// CSV only: which column is which, such as t=time,ax=acc_x,gx=gyro_x.
    #[arg(long, value_name = "NAME=COLUMN,...", value_delimiter = ',')]
    map: Vec<String>,
    /// CSV only: where the sensor was worn, such as thigh_l.
    #[arg(long)]
    segment: Option<String>,
    /// CSV only: unit of acceleration.
    #[arg(long, default_value = "m/s2", value_parser = ["m/s2", "g"])]
    acc_unit: String,
    /// CSV only: unit of angular rate.
    #[arg(long, default_value = "rad/s", value_parser = ["rad/s", "deg/s"])]
    gyro_unit: String,
    /// CSV only: unit of time.
    #[arg(long, default_value = "s", value_parser = ["s", "ms", "us", "ns"])]
    time_unit: String,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SideArg {
    Left,
    Right,
    Both,
    Alternating,
}

impl From<SideArg> for TrainingSide {
    fn from(side: SideArg) -> Self {
        match side {
            SideArg::Left => Self::Left,
            SideArg::Right => Self::Right,
            SideArg::Both => Self::Both,
            SideArg::Alternating => Self::Alternating,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let (header, items) = if args.path.is_dir() {
        let wishes = Wishes {
            client: args.client.clone(),
            exercise: args.exercise.clone(),
            side: args.side.map(Into::into),
            role: None,
        };
        let folder = labelled_folder::read(&args.path, &wishes)?;
        (folder.header, folder.items)
    } else {
        single(args)?
    };
    let mut writer = Writer::create(Vec::new(), &header, None).context("begin the recording")?;
    for item in &items {
        writer.item(item).context("write the recording")?;
    }
    let finished = writer.finish().context("end the recording")?;
    input::write_whole(&args.out, &finished.inner)?;
    say_line(format_args!(
        "{}: {} packets and commands, content {}",
        args.out.display(),
        finished.items,
        finished.content_sha256
    ))?;
    Ok(Outcome::Done)
}

/// One CSV file with a column mapping.
fn single(args: &Args) -> Result<(SessionHeader, Vec<Item>)> {
    let segment: Segment = args
        .segment
        .as_deref()
        .ok_or_else(|| {
            Usage(
                "a CSV file does not say where the sensor was worn: name it with --segment".into(),
            )
        })?
        .parse()
        .map_err(|e: crate::model::body::UnknownSegment| Usage(e.to_string()))?;
    let mut source = labelled_folder::source(&args.path, segment, 0.0)?;
    for pair in &args.map {
        let Some((name, column)) = pair.split_once('=') else {
            return Err(Usage(format!(
                "--map {pair:?}: expected NAME=COLUMN, such as ax=acc_x"
            ))
            .into());
        };
        if source.table.column(column).is_none() {
            let there = source.table.names().join(", ");
            return Err(Usage(format!(
                "{}:1: there is no column {column} (columns are {there})",
                source.file
            ))
            .into());
        }
        source
            .table
            .rename(column, if name == "t" { "t_s" } else { name });
    }
    units(args, &mut source.table);
    let labels = Labels {
        session: stem(&args.path),
        client: args.client.clone().unwrap_or_else(|| "unknown".into()),
        exercise: args.exercise.clone(),
        side: args.side.map(Into::into),
        role: SetRole::Working,
    };
    Ok(items(&labels, &[source], imported::CHARACTERISTIC, encode)
        .map_err(|e| Usage(e.to_string()))?)
}

fn units(args: &Args, table: &mut crate::wire::labelled::table::Table) {
    let per_second = match args.time_unit.as_str() {
        "ms" => 1e-3,
        "us" => 1e-6,
        "ns" => 1e-9,
        _ => 1.0,
    };
    table.change("t_s", |t| t * per_second);
    if args.acc_unit == "g" {
        for name in ["ax", "ay", "az"] {
            table.change(name, |a| a * STANDARD_GRAVITY);
        }
    }
    if args.gyro_unit == "deg/s" {
        for name in ["gx", "gy", "gz"] {
            table.change(name, f64::to_radians);
        }
    }
}

fn stem(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map_or_else(|| "import".into(), |s| s.to_string_lossy());
    stem.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .take(60)
        .collect()
}
