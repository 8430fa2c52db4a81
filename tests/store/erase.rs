//! A client that is erased is nowhere in the folder, does not come back, and nobody else is touched.

use crate::durability::{WRITE_TO, child, kill};
use crate::stage::{assert_whole, baseline, closed, header, id, numbered, rep, window};
use plimsoll::{
    daemon::keeping::{self, Erased},
    model::{plan::TrainingSide, session::SessionHeader},
    store::{Act, Store, StoreError},
    wire::recording::Writer,
};
use rand::{RngExt, SeedableRng};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Instant,
};

const ACT: Act<'static> = Act {
    actor: "R-07",
    at: "2026-08-17T10:00:00Z",
};

const CLIENT: &str = "C-4711";

/// A session of eight windows, whose events name the client and itself.
fn keep(store: &mut Store, session: &str, client: &str) -> SessionHeader {
    let mut header = header(session, client);
    header.plan_label = Some(format!("plan of {client}"));
    let plan = format!("client = {client:?}");
    store.begin(&header, Some(&plan)).unwrap();
    let windows: Vec<_> = (0..8).map(|i| window(i, i == 7)).collect();
    let events = [
        rep(),
        baseline(
            &format!("squat-{session} {session}"),
            TrainingSide::Left,
            1.0,
        ),
        closed(8),
    ];
    store
        .append(&id(session), &windows, &numbered(events.into()))
        .unwrap();
    header
}

fn record(data: &Path, header: &SessionHeader) -> PathBuf {
    let dir = data.join("recordings");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{}.mcap", header.session.0));
    let writer = Writer::create(File::create(&path).unwrap(), header, None).unwrap();
    writer.finish().unwrap();
    fs::write(dir.join(format!("{}.mcap.delivered", header.session.0)), "").unwrap();
    path
}

fn report(data: &Path, session: &str) {
    fs::create_dir_all(data.join("reports")).unwrap();
    let text = format!("<p>session {session}</p>");
    fs::write(data.join(format!("reports/{session}.html")), text).unwrap();
}

/// Sessions `S-x1` (in Parquet), `S-x2`, `S-x3` (open) of the client, `S-x4` of which there is a recording alone; `S-y1`
/// and `S-y2` (in Parquet) of another.
fn full(data: &Path) -> Store {
    let mut store = Store::open(data).unwrap();
    for (session, client) in [
        ("S-x1", CLIENT),
        ("S-y1", "C-4712"),
        ("S-x2", CLIENT),
        ("S-x3", CLIENT),
        ("S-y2", "C-4712"),
    ] {
        let header = keep(&mut store, session, client);
        record(data, &header);
        report(data, session);
        if session != "S-x3" {
            store.close(&id(session)).unwrap();
        }
        if session == "S-x1" || session == "S-y2" {
            store.compact(&id(session)).unwrap();
        }
    }
    record(data, &header("S-x4", CLIENT));
    store
}

fn erased(store: &mut Store, data: &Path) -> Erased {
    keeping::erase(store, data, CLIENT, true, ACT).unwrap()
}

/// Files below `dir` in whose name or bytes `word` is.
fn with(dir: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let named = path.file_name().unwrap().to_str().unwrap().contains(word);
        let holds = path.is_file() && {
            let bytes = fs::read(&path).unwrap();
            bytes.windows(word.len()).any(|w| w == word.as_bytes())
        };
        if named || holds {
            found.push(path.clone());
        }
        if path.is_dir() {
            found.extend(with(&path, word));
        }
    }
    found
}

#[test]
fn nothing_is_left_of_an_erased_client_and_all_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut store = full(data);
    // Somebody looks at the store meanwhile.
    let other = Store::open(data).unwrap();
    assert_eq!(other.sessions().unwrap().len(), 5);
    for word in [CLIENT, "S-x1", "S-x2", "S-x3", "S-x4"] {
        assert!(
            !with(data, word).is_empty(),
            "{word} is in the folder before"
        );
    }
    let Erased {
        sessions,
        recordings,
        proof,
    } = erased(&mut store, data);
    assert_eq!((sessions, recordings), (4, 4));
    assert_eq!(proof.places, [""; 0]);
    assert_eq!((proof.left, proof.within_words), (0, 0));
    assert!(proof.bytes > 10_000 && proof.files >= 5, "{proof:?}");
    // Not by our own search alone.
    for word in [CLIENT, "S-x"] {
        assert_eq!(with(data, word), Vec::<PathBuf>::new(), "{word}");
    }
    for (session, windows) in [("S-y1", 8), ("S-y2", 8)] {
        assert_whole(&store, &id(session), windows);
        assert_whole(&other, &id(session), windows);
        assert!(data.join(format!("recordings/{session}.mcap")).exists());
        assert!(
            data.join(format!("recordings/{session}.mcap.delivered"))
                .exists()
        );
        assert!(data.join(format!("reports/{session}.html")).exists());
    }
    assert_eq!(store.verify_all(|_, _| {}).unwrap().problems(), 0);
    let audit = store.audit().unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(
        (audit[0].action.as_str(), audit[0].detail.as_str()),
        ("client erased", "3 sessions")
    );
}

#[test]
fn an_erased_session_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut store = full(data);
    // A daemon that had begun it already.
    let mut storer = Store::open(data).unwrap();
    erased(&mut store, data);
    for session in ["S-x1", "S-x2", "S-x3", "S-x4"] {
        let error = storer.begin(&header(session, CLIENT), None).unwrap_err();
        assert!(
            matches!(error, StoreError::Erased(_)),
            "{session}: {error:?}"
        );
        let error = storer
            .append(&id(session), &[window(0, false)], &[])
            .unwrap_err();
        assert!(
            matches!(error, StoreError::Erased(_)),
            "{session}: {error:?}"
        );
        assert!(keeping::not_erased(&store, &id(session)).is_err());
    }
    assert_eq!(with(data, "S-x"), Vec::<PathBuf>::new());
    // The client may come again: what begins then is new.
    keep(&mut storer, "S-x5", CLIENT);
    assert_eq!(store.sessions().unwrap().len(), 3);
    // Once more, and for somebody who was never here.
    storer.close(&id("S-x5")).unwrap();
    let again = keeping::erase(&mut store, data, CLIENT, false, ACT).unwrap();
    assert_eq!((again.sessions, again.proof.left), (1, 0));
    let nobody = keeping::erase(&mut store, data, "C-0815", false, ACT).unwrap();
    assert_eq!((nobody.sessions, nobody.proof.left), (0, 0));
}

#[test]
fn what_is_left_is_named_and_what_runs_is_not_erased() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut store = full(data);
    let open = keeping::erase(&mut store, data, CLIENT, false, ACT)
        .err()
        .unwrap();
    assert!(format!("{open:#}").contains("S-x3 is open"), "{open:#}");
    let held = File::open(data.join("recordings/S-x2.mcap")).unwrap();
    held.lock().unwrap();
    let written = keeping::erase(&mut store, data, CLIENT, true, ACT)
        .err()
        .unwrap();
    assert!(
        format!("{written:#}").contains("is being written"),
        "{written:#}"
    );
    assert_eq!(store.sessions().unwrap().len(), 5, "nothing was erased");
    assert_eq!(store.audit().unwrap(), []);
    held.unlock().unwrap();

    let copy = data.join("old-backup.json");
    fs::write(
        &copy,
        format!("{{\"client\":\"{CLIENT}\",\"of\":\"S-x22\"}}"),
    )
    .unwrap();
    let damaged = record(data, &header("S-z", "C-1"));
    fs::write(&damaged, "no recording").unwrap();
    let proof = erased(&mut store, data).proof;
    assert_eq!((proof.left, proof.within_words), (2, 1), "{proof:?}");
    assert!(
        proof.places[0].contains("old-backup.json\tbyte 11\tC-4711"),
        "{proof:?}"
    );
    assert!(
        proof.places[1].contains("S-z.mcap\tcannot be read"),
        "{proof:?}"
    );
}

#[test]
fn erases_until_killed() {
    // Work only in the process that gets killed.
    let Ok(dir) = std::env::var(WRITE_TO) else {
        return;
    };
    let mut store = Store::open(Path::new(&dir)).unwrap();
    print!("\nacked 0\n");
    erased(&mut store, Path::new(&dir));
}

#[test]
fn an_erasure_that_is_killed_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let mut store = full(&whole);
    let start = Instant::now();
    erased(&mut store, &whole);
    let took = start.elapsed();
    drop(store);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(9);
    let (mut before, mut after) = (0, 0);
    for i in 0..25 {
        let data = folder.path().join(i.to_string());
        drop(full(&data));
        let at = took.mul_f64(random.random_range(0.0..1.2));
        kill(child("erase::erases_until_killed", &data), at);
        let mut store = Store::open(&data).unwrap();
        match store.sessions().unwrap().len() {
            5 => before += 1,
            2 => after += 1,
            half => panic!("{half} sessions are left: rows went in parts"),
        }
        assert_eq!(erased(&mut store, &data).proof.left, 0);
        for word in [CLIENT, "S-x"] {
            assert_eq!(with(&data, word), Vec::<PathBuf>::new(), "{word}");
        }
        for session in ["S-y1", "S-y2"] {
            assert_whole(&store, &id(session), 8);
        }
        for session in ["S-x1", "S-x2", "S-x3", "S-x4"] {
            assert!(store.is_erased(&id(session)).unwrap(), "{session}");
        }
    }
    println!(
        "25 kills of an erasure: {before} before its rows went, {after} after; finished by the next each time"
    );
}

#[test]
fn a_reader_that_holds_the_log_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut store = full(data);
    let reader = rusqlite::Connection::open(data.join("plimsoll.sqlite")).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM sessions")
        .unwrap();
    let count: i64 = reader
        .query_row("SELECT count(*) FROM sessions", [], |r| r.get(0))
        .unwrap();
    assert_eq!(count, 5);
    let error = keeping::erase(&mut store, data, CLIENT, true, ACT)
        .err()
        .unwrap();
    assert!(format!("{error:#}").contains("call it again"), "{error:#}");
    drop(reader);
    assert_eq!(erased(&mut store, data).proof.left, 0);
    assert_eq!(with(data, CLIENT), Vec::<PathBuf>::new());
}
