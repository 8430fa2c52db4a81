//! What a store does over years: damage is found by checksums, an older version's tables are brought up to date.

use crate::stage::{
    BEGINNING, END, SENSORS, assert_whole, closed, finding, header, id, imu, numbered, rep, stored,
    window,
};
use plimsoll::{
    model::session::Origin,
    store::{Act, DataClass, ExportFormat, Retention, Store, StoreError},
};
use rusqlite::Connection;
use std::{fs, path::Path};

fn database(dir: &Path) -> Connection {
    Connection::open(dir.join("plimsoll.sqlite")).unwrap()
}

/// The tables as version 1 made them.
const VERSION_1: &str = "
PRAGMA auto_vacuum = INCREMENTAL;
CREATE TABLE sessions (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, client TEXT NOT NULL,
    header TEXT NOT NULL, plan_text TEXT, closed INTEGER NOT NULL DEFAULT 0,
    next_window INTEGER NOT NULL DEFAULT 0, compacted INTEGER NOT NULL DEFAULT 0);
CREATE INDEX sessions_client ON sessions (client);
CREATE TABLE windows (session INTEGER NOT NULL REFERENCES sessions (number), idx INTEGER NOT NULL,
    manifest TEXT NOT NULL, PRIMARY KEY (session, idx)) WITHOUT ROWID;
CREATE TABLE batches (session INTEGER NOT NULL REFERENCES sessions (number), device INTEGER NOT NULL,
    kind TEXT NOT NULL, first_sequence INTEGER NOT NULL, count INTEGER NOT NULL, t_first INTEGER NOT NULL,
    t_last INTEGER NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (session, device, kind, first_sequence)) WITHOUT ROWID;
CREATE TABLE events (session INTEGER NOT NULL REFERENCES sessions (number), sequence INTEGER NOT NULL,
    window INTEGER NOT NULL, baseline INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (session, sequence)) WITHOUT ROWID;
CREATE INDEX events_baseline ON events (session) WHERE baseline;
CREATE TABLE archives (session INTEGER NOT NULL REFERENCES sessions (number), device INTEGER NOT NULL,
    kind TEXT NOT NULL, samples INTEGER NOT NULL, crc32 INTEGER NOT NULL,
    PRIMARY KEY (session, device, kind)) WITHOUT ROWID;
PRAGMA application_id = 0x506c696d;
PRAGMA user_version = 1;
";

/// Makes the store in `dir` one of version 1 with the same rows.
fn turn_back(dir: &Path) {
    let (new, old) = (dir.join("plimsoll.sqlite"), dir.join("old.sqlite"));
    let db = Connection::open(&old).unwrap();
    db.execute_batch(VERSION_1).unwrap();
    db.execute("ATTACH ?1 AS new", [new.to_str().unwrap()])
        .unwrap();
    db.execute_batch(
        "INSERT INTO sessions SELECT number, id, client, header, plan_text, closed, next_window, compacted
             FROM new.sessions;
         INSERT INTO windows SELECT session, idx, manifest FROM new.windows;
         INSERT INTO batches SELECT session, device, kind, first_sequence, count, t_first, t_last, payload
             FROM new.batches;
         INSERT INTO events SELECT session, sequence, window, baseline, event FROM new.events;
         INSERT INTO archives SELECT session, device, kind, samples, crc32 FROM new.archives;
         DETACH new;",
    )
    .unwrap();
    drop(db);
    fs::rename(&old, &new).unwrap();
}

#[test]
fn a_store_of_version_1_is_brought_up_to_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 20);
    store.compact(&id("s1")).unwrap();
    drop(store);
    drop(stored(folder.path(), "s2", 15));
    turn_back(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    for (session, windows) in [("s1", 20), ("s2", 15)] {
        assert_whole(&store, &id(session), windows);
    }
    assert_eq!(store.stats().unwrap().schema, 3);
    store.compact(&id("s2")).unwrap();
    store.begin(&header("s3", "c1"), None).unwrap();
    assert_eq!(store.verify_all(|_, _| {}).unwrap().problems(), 0);
    // Once: the second opening finds nothing to do.
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_whole(&store, &id("s2"), 15);
}

#[test]
fn one_bit_that_is_not_what_was_written_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(folder.path(), "s1", 12);
    drop(stored(folder.path(), "s2", 3));
    assert_eq!(store.verify_all(|_, _| {}).unwrap().problems(), 0);
    let db = database(folder.path());
    for (table, column, at) in [
        (
            "batches",
            "payload",
            "session = 1 AND first_sequence = 40 AND device = 2",
        ),
        ("windows", "manifest", "session = 1 AND idx = 7"),
        ("events", "event", "session = 1 AND sequence = 1"),
        ("sessions", "header", "id = 's1'"),
        ("sessions", "plan_text", "id = 's1'"),
    ] {
        let read = format!("SELECT cast({column} AS BLOB) FROM {table} WHERE {at}");
        let whole: Vec<u8> = db.query_row(&read, [], |r| r.get(0)).unwrap();
        // The type stays: text is not found by being a blob now.
        let write = |bytes: &[u8]| {
            let kind = if column == "payload" { "BLOB" } else { "TEXT" };
            let sql = format!("UPDATE {table} SET {column} = cast(?1 AS {kind}) WHERE {at}");
            assert!(db.execute(&sql, [bytes]).unwrap() >= 1);
        };
        for bit in (0..whole.len() * 8).step_by(whole.len().max(7)) {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            write(&damaged);
            let all = store.verify_all(|_, _| {}).unwrap();
            assert!(!all.sessions[0].1.problems.is_empty(), "{table} {bit}");
            assert_eq!(all.sessions[1].1.problems, [""; 0], "{table} {bit}");
        }
        write(&whole);
    }
    assert_eq!(store.verify_all(|_, _| {}).unwrap().problems(), 0);
    // Read as a whole, a damaged batch is an error, not other samples.
    let sql = "UPDATE batches SET crc32 = crc32 + 1 WHERE first_sequence = 40 AND device = 2";
    db.execute(sql, []).unwrap();
    let error = store.windows(&id("s1"), 0, 99).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
}

#[test]
fn rows_of_no_session_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(folder.path(), "s1", 3);
    let db = database(folder.path());
    db.execute_batch("PRAGMA foreign_keys = OFF; UPDATE sessions SET number = 9")
        .unwrap();
    let all = store.verify_all(|_, _| {}).unwrap();
    assert!(all.database[0].contains("no session"), "{all:?}");
}

#[test]
fn counts_and_sizes_are_those_of_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 12);
    store.begin(&header("s2", "c2"), None).unwrap();
    let samples = 12 * (u64::from(SENSORS) * 10 + 1);
    let before = store.stats().unwrap();
    assert_eq!((before.sessions, before.open_sessions), (2, 1));
    assert_eq!((before.clients, before.windows, before.events), (2, 12, 3));
    assert_eq!(
        (before.samples_in_database, before.samples_in_files),
        (samples, 0)
    );
    assert!(before.free_bytes > 0 && before.database_bytes > 4096 && before.files_bytes == 0);
    store.compact(&id("s1")).unwrap();
    let after = store.stats().unwrap();
    assert_eq!(
        (after.samples_in_database, after.samples_in_files),
        (0, samples)
    );
    let folder = folder.path().join("sessions/s1");
    let files = fs::read_dir(folder).unwrap();
    let bytes: u64 = files.map(|f| f.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(after.files_bytes, bytes);
    assert_eq!(after.compacted_sessions, 1);
}

/// The sessions of the stage begin on 7 August 2026 at 10:00.
const TEN_DAYS_LATER: Act<'static> = Act {
    actor: "R-07",
    at: "2026-08-17T10:00:00Z",
};

fn keeping(record: u32, derived: u32, raw: u32, audit: u32) -> Retention {
    let days = std::num::NonZeroU32::new;
    Retention {
        record_days: days(record),
        derived_days: days(derived),
        raw_days: days(raw),
        audit_days: days(audit),
    }
}

fn due(store: &Store, retention: &Retention, at: &str) -> Vec<(String, DataClass)> {
    let outlook = store.outlook(retention, at).unwrap();
    outlook
        .due
        .into_iter()
        .map(|d| (d.session.0, d.class))
        .collect()
}

#[test]
fn nothing_is_due_unless_days_are_named_and_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 3);
    store.begin(&header("open", "c1"), None).unwrap();
    let mut imported = header("imported", "c1");
    imported.origin = Origin::Imported;
    store.begin(&imported, None).unwrap();
    store.close(&id("imported")).unwrap();
    let mut undated = header("undated", "c1");
    undated.started_at = "yesterday".to_owned();
    store.begin(&undated, None).unwrap();
    store.close(&id("undated")).unwrap();
    let at = TEN_DAYS_LATER.at;
    assert_eq!(
        due(&store, &Retention::default(), "2999-01-01T00:00:00Z"),
        []
    );
    assert_eq!(due(&store, &keeping(0, 0, 11, 0), at), []);
    let s1 = |class| ("s1".to_owned(), class);
    assert_eq!(due(&store, &keeping(0, 0, 10, 0), at), [s1(DataClass::Raw)]);
    let both = [s1(DataClass::Raw), s1(DataClass::Derived)];
    assert_eq!(due(&store, &keeping(11, 10, 10, 0), at), both);
    // The record takes the rest along.
    assert_eq!(
        due(&store, &keeping(10, 10, 10, 0), at),
        [s1(DataClass::Record)]
    );
    let kept = store.outlook(&keeping(1, 1, 1, 0), at).unwrap().kept;
    let kept: Vec<_> = kept.iter().map(|(s, _)| s.0.as_str()).collect();
    assert_eq!(kept, ["open", "imported", "undated"]);
    assert_eq!(store.audit().unwrap(), []);
    let error = store.remove(&id("open"), DataClass::Record, TEN_DAYS_LATER);
    assert!(matches!(error, Err(StoreError::StillOpen(_))), "{error:?}");
    // A clock that goes wrong removes nothing.
    assert_eq!(
        due(&store, &keeping(1, 1, 1, 0), "2026-08-01T00:00:00Z"),
        []
    );
    store.outlook(&keeping(1, 1, 1, 0), "noon").unwrap_err();
}

#[test]
fn each_class_goes_alone_and_does_not_come_back() {
    for compacted in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = stored(folder.path(), "s1", 12);
        drop(stored(folder.path(), "s2", 5));
        if compacted {
            store.compact(&id("s1")).unwrap();
        }
        let windows: Vec<_> = (0..12).map(|i| window(i, i == 11)).collect();
        let events = numbered(vec![rep(), finding(), closed(12)]);

        store
            .remove(&id("s1"), DataClass::Raw, TEN_DAYS_LATER)
            .unwrap();
        assert!(!folder.path().join("sessions/s1").exists());
        let removed = |what: &str, error: StoreError| {
            let text = error.to_string();
            assert!(text.contains(what) && text.contains("2026-08-17"), "{text}");
        };
        removed("samples", store.windows(&id("s1"), 0, 9).unwrap_err());
        removed(
            "samples",
            store.stream(&id("s1"), imu(1), BEGINNING, END).unwrap_err(),
        );
        assert_eq!(store.events(&id("s1")).unwrap(), events);
        // Delivered once more: nothing of it is taken.
        store.append(&id("s1"), &windows, &events).unwrap();
        assert_eq!(store.stats().unwrap().samples_in_database, 5 * 41);
        let out = folder.path().join("out");
        let left = store.export(&id("s1"), ExportFormat::Csv, &out).unwrap();
        assert_eq!(
            left,
            ["reps", "findings"].map(|t| out.join(format!("s1_{t}.csv")))
        );

        store
            .remove(&id("s1"), DataClass::Derived, TEN_DAYS_LATER)
            .unwrap();
        removed("findings", store.events(&id("s1")).unwrap_err());
        store.append(&id("s1"), &windows, &events).unwrap();
        assert_eq!(store.stats().unwrap().events, 3);
        assert_eq!(store.session(&id("s1")).unwrap().header, header("s1", "c1"));
        let all = store.verify_all(|_, _| {}).unwrap();
        assert_eq!(all.problems(), 0, "{all:?}");
        assert_eq!(all.sessions[0].1.removed.len(), 2);

        store
            .remove(&id("s1"), DataClass::Record, TEN_DAYS_LATER)
            .unwrap();
        let error = store.begin(&header("s1", "c1"), Some("plan")).unwrap_err();
        assert!(matches!(error, StoreError::Erased(_)), "{error:?}");
        assert!(store.is_erased(&id("s1")).unwrap());
        assert!(!store.is_erased(&id("s2")).unwrap());
        assert_whole(&store, &id("s2"), 5);
        let audit = store.audit().unwrap();
        let actions: Vec<_> = audit
            .iter()
            .map(|r| (r.action.as_str(), r.actor.as_str()))
            .collect();
        let said = ["raw", "derived", "record"].map(|c| format!("retention: {c} removed"));
        let said: Vec<_> = said.iter().map(|s| (s.as_str(), "R-07")).collect();
        assert_eq!(actions, said);
        assert_eq!(audit[0].detail, "492 samples");
        assert!(
            audit
                .iter()
                .all(|r| r.object == audit[0].object && !r.object.contains("s1"))
        );
    }
}

#[test]
fn an_audit_that_was_changed_or_cut_in_its_midst_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 3);
    for (class, day) in [
        (DataClass::Raw, 10),
        (DataClass::Derived, 11),
        (DataClass::Record, 12),
    ] {
        let at = format!("2026-08-{day}T10:00:00Z");
        let act = Act {
            actor: "R-07",
            at: &at,
        };
        store.remove(&id("s1"), class, act).unwrap();
    }
    let problems = |store: &Store| store.verify_all(|_, _| {}).unwrap().database;
    assert_eq!(problems(&store), [""; 0]);
    let db = database(folder.path());
    for (damage, repair) in [
        (
            "UPDATE audit SET actor = 'X' WHERE number = 2",
            "UPDATE audit SET actor = 'R-07' WHERE number = 2",
        ),
        (
            "UPDATE audit SET number = 9 WHERE number = 2",
            "UPDATE audit SET number = 2 WHERE number = 9",
        ),
    ] {
        db.execute(damage, []).unwrap();
        assert!(problems(&store)[0].contains("audit row"), "{damage}");
        db.execute(repair, []).unwrap();
        assert_eq!(problems(&store), [""; 0]);
    }
    // Its own days are over: what is left is still a chain, and says how much went.
    let outlook = store
        .outlook(&keeping(0, 0, 0, 6), TEN_DAYS_LATER.at)
        .unwrap();
    assert_eq!(outlook.audit_rows, 2);
    let days = std::num::NonZeroU32::new(6).unwrap();
    assert_eq!(store.shorten_audit(days, TEN_DAYS_LATER).unwrap(), 2);
    assert_eq!(problems(&store), [""; 0]);
    let audit = store.audit().unwrap();
    assert_eq!(audit.len(), 2);
    assert_eq!(audit[1].detail, "2 rows");
}
