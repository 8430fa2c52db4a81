//! Exported tables, and how much room and time a session takes.

use crate::stage::{SENSORS, STRAP, expected, header, id, imu, stored, window};
use plimsoll::{
    model::{
        sample::{Quality, Sample},
        session::SessionHeader,
        time::SessionNs,
    },
    store::{ExportFormat, Store},
    wire::payload,
};
use polars::prelude::{AnyValue, CsvReader, DataFrame, ParquetReader, SerReader};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::Path,
    time::Instant,
};

fn read_table(path: &Path) -> DataFrame {
    let file = File::open(path).unwrap();
    if path.extension().is_some_and(|e| e == "csv") {
        CsvReader::new(file).finish().unwrap()
    } else {
        ParquetReader::new(file).finish().unwrap()
    }
}

const FORMATS: [(ExportFormat, &str); 2] = [
    (ExportFormat::Csv, "csv"),
    (ExportFormat::Parquet, "parquet"),
];

fn cell<'t>(table: &'t DataFrame, name: &str, row: usize) -> AnyValue<'t> {
    table.column(name).unwrap().get(row).unwrap()
}

fn number(table: &DataFrame, name: &str, row: usize) -> f64 {
    cell(table, name, row).try_extract().unwrap()
}

fn text(table: &DataFrame, name: &str) -> String {
    cell(table, name, 0).str_value().into_owned()
}

#[test]
fn every_stream_and_table_is_one_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(&folder.path().join("store"), "s1", 2);
    for (format, extension) in FORMATS {
        let out = folder.path().join(extension);
        let mut written = store.export(&id("s1"), format, &out).unwrap();
        written.sort();
        let tables = [
            "___strap_heart_rate",
            "findings",
            "imu0_imu",
            "imu1_imu",
            "imu2_imu",
            "imu3_imu",
            "reps",
        ];
        assert_eq!(
            written,
            tables.map(|n| out.join(format!("s1_{n}.{extension}")))
        );
        let files = fs::read_dir(&out).unwrap().count();
        assert_eq!(files, tables.len(), "temporary files are left");
    }
}

#[test]
fn sensors_of_the_same_name_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("store")).unwrap();
    let mut header = header("s1", "c1");
    header.sensors[1].alias = "imu0".to_owned();
    header.sensors[2].alias = String::new();
    store.begin(&header, None).unwrap();
    store.append(&id("s1"), &[window(0, false)], &[]).unwrap();
    let written = store
        .export(&id("s1"), ExportFormat::Csv, &folder.path().join("out"))
        .unwrap();
    let different: BTreeSet<_> = written.iter().collect();
    assert_eq!(different.len(), 7, "{written:?}");
    // Nothing was found: the tables have their headings and no rows.
    let findings = fs::read_to_string(written.last().unwrap()).unwrap();
    assert!(findings.starts_with("event_sequence,id,t_s,"), "{findings}");
    assert_eq!(findings.lines().count(), 1);
}

#[test]
fn exported_samples_are_the_stored_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(&folder.path().join("store"), "s1", 12);
    for round in 0..2 {
        for (format, extension) in FORMATS {
            let out = folder.path().join(round.to_string());
            store.export(&id("s1"), format, &out).unwrap();
            let table = read_table(&out.join(format!("s1_imu2_imu.{extension}")));
            let expected = expected(imu(2), 12);
            assert_eq!(table.height(), expected.len());
            for (row, sample) in expected.iter().enumerate() {
                let value = |name| (number(&table, name, row) as f32).to_bits();
                assert_eq!(number(&table, "sequence", row) as usize, row);
                assert_eq!(number(&table, "t_ns", row) as i64, sample.t.0);
                assert!((number(&table, "t_s", row) - sample.t.seconds()).abs() < 1e-9);
                assert_eq!(value("ax_m_s2"), sample.values[0].to_bits());
                assert_eq!(value("gz_rad_s"), sample.values[5].to_bits());
                assert_eq!(number(&table, "quality", row) as u8, sample.quality.0);
            }
        }
        store.compact(&id("s1")).unwrap();
    }
}

#[test]
fn exported_repetitions_and_findings_are_the_stored_ones() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(&folder.path().join("store"), "s1", 1);
    for (format, extension) in FORMATS {
        store.export(&id("s1"), format, folder.path()).unwrap();
        let reps = read_table(&folder.path().join(format!("s1_reps.{extension}")));
        assert_eq!(reps.height(), 1);
        assert_eq!(text(&reps, "stage"), "final");
        assert_eq!(text(&reps, "turn_s"), "2.0");
        assert_eq!(text(&reps, "knee_flexion_max_deg"), "71.25");
        assert_eq!(text(&reps, "trunk_forward_tilt_missing"), "gap");
        assert!(cell(&reps, "trunk_forward_tilt_max_deg", 0).is_null());
        let findings = read_table(&folder.path().join(format!("s1_findings.{extension}")));
        assert_eq!(findings.height(), 1);
        assert_eq!(text(&findings, "verdict"), "outside");
        assert_eq!(text(&findings, "unit"), "deg");
        assert_eq!(text(&findings, "max"), "60.0");
    }
}

#[test]
fn one_file_has_everything_that_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(&folder.path().join("store"), "s1", 12);
    for round in 0..2 {
        let out = folder.path().join("out");
        // The second replaces the first, and what a killed one left.
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join(".s1.sqlite.tmp"), "half").unwrap();
        let written = store.export(&id("s1"), ExportFormat::Sqlite, &out).unwrap();
        assert_eq!(written, [out.join("s1.sqlite")], "round {round}");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
        let file = rusqlite::Connection::open(&written[0]).unwrap();
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = file.prepare(sql).unwrap();
            let rows = statement.query_map([], |r| r.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        assert_eq!(texts("PRAGMA integrity_check"), ["ok"]);
        for stream in (0..SENSORS).map(imu).chain([STRAP]) {
            let name = if stream == STRAP {
                "___strap_heart_rate".to_owned()
            } else {
                format!("imu{}_imu", stream.device.0)
            };
            let channels = if stream == STRAP {
                "bpm, 0, 0, 0, 0, 0"
            } else {
                "ax_m_s2, ay_m_s2, az_m_s2, gx_rad_s, gy_rad_s, gz_rad_s"
            };
            let sql = format!("SELECT t_ns, quality, {channels} FROM {name} ORDER BY sequence");
            let mut statement = file.prepare(&sql).unwrap();
            let rows = statement.query_map([], |r| {
                let mut values = [0.0_f32; 6];
                for (i, value) in values.iter_mut().enumerate() {
                    *value = r.get::<_, f64>(i + 2)? as f32;
                }
                Ok(Sample {
                    stream,
                    t: SessionNs(r.get(0)?),
                    values,
                    quality: Quality(r.get(1)?),
                })
            });
            let samples: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
            assert!(samples == expected(stream, 12), "{name}");
        }
        let manifests = texts("SELECT manifest FROM windows ORDER BY idx");
        let said: Vec<_> = (0..12).map(|i| window(i, i == 11).manifest).collect();
        let read = manifests
            .iter()
            .map(|m| payload::decode_manifest(m.as_bytes()).unwrap());
        assert!(read.eq(said));
        let events = texts("SELECT event FROM events ORDER BY sequence");
        let read = events
            .iter()
            .map(|e| payload::decode_event(e.as_bytes()).unwrap());
        assert!(read.eq(store.events(&id("s1")).unwrap()));
        assert_eq!(
            texts("SELECT plan_text FROM session WHERE closed"),
            ["plan"]
        );
        let headers = texts("SELECT header FROM session");
        let read: SessionHeader = serde_json::from_str(&headers[0]).unwrap();
        assert_eq!(read, header("s1", "c1"));
        assert_eq!(texts("SELECT verdict FROM findings"), ["outside"]);
        let angle = "SELECT cast(knee_flexion_max_deg AS TEXT) FROM reps";
        assert_eq!(texts(angle), ["71.25"]);
        store.compact(&id("s1")).unwrap();
    }
}

/// Numbers for the log; fails only far from what a trainer needs (10 windows a second).
#[test]
fn it_keeps_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let windows: Vec<_> = (0..1000).map(|i| window(i, i == 999)).collect();
    let start = Instant::now();
    for pair in windows.chunks(2) {
        store.append(&id("s1"), pair, &[]).unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    let samples = 1000.0 * 41.0;
    store.close(&id("s1")).unwrap();
    drop(store);
    let size = |dir: &Path| -> u64 {
        fs::read_dir(dir)
            .unwrap()
            .map(|f| f.unwrap().metadata().unwrap())
            .filter(fs::Metadata::is_file)
            .map(|m| m.len())
            .sum()
    };
    let database = size(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    store.compact(&id("s1")).unwrap();
    let files = size(&folder.path().join("sessions/s1"));
    drop(store);
    let after = size(folder.path());
    assert!(
        after * 3 < database,
        "{after} of {database} bytes after compaction"
    );
    eprintln!(
        "{:.0} windows/s ({:.0} samples/s) in transactions of 2; bytes per sample: database {:.1}, files {:.1}",
        1000.0 / took,
        samples / took,
        database as f64 / samples,
        files as f64 / samples,
    );
    assert!(took < 50.0, "{took} s for 100 s of data");
}
