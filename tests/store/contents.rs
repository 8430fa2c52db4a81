//! What is in a store is what was said, once; what is missing is named; what is no store is refused.

use crate::stage::{
    BEGINNING, END, SENSORS, STRAP, all, assert_whole, baseline, closed, expected, finding, header,
    id, imu, live, numbered, rep, sample, stored, window,
};
use plimsoll::{
    model::{
        event::Numbered,
        packet::DeviceIndex,
        plan::TrainingSide,
        sample::{StreamId, StreamKind},
        time::SessionNs,
    },
    store::{Store, StoreError},
};
use proptest::prelude::*;
use std::{fs, thread};

#[test]
fn a_compacted_session_knows_its_windows_and_takes_no_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 20);
    store.compact(&id("s1")).unwrap();
    store
        .append(
            &id("s1"),
            &[window(3, false), window(19, true)],
            &numbered(vec![rep()]),
        )
        .unwrap();
    assert_whole(&store, &id("s1"), 20);
    let error = store
        .append(&id("s1"), &[window(20, false)], &[])
        .unwrap_err();
    assert!(matches!(error, StoreError::Compacted(_)), "{error:?}");
    assert_whole(&store, &id("s1"), 20);
}

#[test]
fn a_damaged_file_is_a_problem_and_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 20);
    store.compact(&id("s1")).unwrap();
    let path = folder.path().join("sessions/s1/samples_1_imu.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, bytes).unwrap();
    let error = store.stream(&id("s1"), imu(1), BEGINNING, END).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    let report = store.verify(&id("s1")).unwrap();
    assert!(
        report.problems[0].contains("samples_1_imu.parquet"),
        "{:?}",
        report.problems
    );
    fs::remove_file(&path).unwrap();
    assert!(!store.verify(&id("s1")).unwrap().problems.is_empty());
    assert_eq!(all(&store, &id("s1"), imu(2)), expected(imu(2), 20));
}

#[test]
fn an_open_session_is_not_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let error = store.compact(&id("s1")).unwrap_err();
    assert!(matches!(error, StoreError::StillOpen(_)), "{error:?}");
}

#[test]
fn saying_it_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 5);
    let events = store.events(&id("s1")).unwrap();
    assert_eq!(events, numbered(vec![rep(), finding(), closed(5)]));
    store.begin(&header("s1", "c1"), Some("plan")).unwrap();
    let windows: Vec<_> = (0..5).map(|i| window(i, i == 4)).collect();
    store.append(&id("s1"), &windows, &events).unwrap();
    store
        .append(&id("s1"), &windows[2..3], &events[1..])
        .unwrap();
    store.close(&id("s1")).unwrap();
    assert_whole(&store, &id("s1"), 5);
    assert_eq!(store.events(&id("s1")).unwrap(), events);
    assert_eq!(store.sessions().unwrap().len(), 1);
    let info = store.session(&id("s1")).unwrap();
    assert_eq!(info.header, header("s1", "c1"));
    assert_eq!(info.plan_text.as_deref(), Some("plan"));
    assert!(info.closed);
}

#[test]
fn another_session_under_a_known_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    for (header, plan) in [
        (header("s1", "c2"), None),
        (header("s1", "c1"), Some("plan")),
    ] {
        let error = store.begin(&header, plan).unwrap_err();
        assert!(
            matches!(error, StoreError::DifferentSession(_)),
            "{error:?}"
        );
    }
    for name in ["", "../s1", "s 1", "s/1", "ß", &"x".repeat(129)] {
        let error = store.begin(&header(name, "c1"), None).unwrap_err();
        assert!(matches!(error, StoreError::BadIdentifier(_)), "{error:?}");
    }
    let mut unreadable = header("s2", "c1");
    unreadable.sensors[0].nominal_hz = f64::NAN;
    let error = store.begin(&unreadable, None).unwrap_err();
    assert!(matches!(error, StoreError::BadHeader(_)), "{error:?}");
    let error = store.append(&id("s3"), &[], &[]).unwrap_err();
    assert!(matches!(error, StoreError::UnknownSession(_)), "{error:?}");
    assert_eq!(store.sessions().unwrap().len(), 1);
}

#[test]
fn what_is_merely_live_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let mut events = numbered(vec![rep()]);
    // A live event has the number of the event that comes after it.
    let (sequence, window) = (1, 1);
    events.push(Numbered {
        sequence,
        window,
        event: live(),
    });
    events.push(Numbered {
        sequence,
        window,
        event: finding(),
    });
    store.append(&id("s1"), &[], &events).unwrap();
    assert_eq!(
        store.events(&id("s1")).unwrap(),
        numbered(vec![rep(), finding()])
    );
}

#[test]
fn a_stream_is_cut_at_two_instants_both_included() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 30);
    for _ in 0..2 {
        let (from, to) = (sample(imu(1), 17).t, sample(imu(1), 103).t);
        let found = store.stream(&id("s1"), imu(1), from, to).unwrap();
        assert_eq!(found, expected(imu(1), 30)[17..=103]);
        let none = store
            .stream(&id("s1"), imu(1), SessionNs(to.0 + 1), SessionNs(to.0 + 9))
            .unwrap();
        assert_eq!(none, []);
        assert_eq!(store.stream(&id("s1"), imu(1), to, from).unwrap(), []);
        let streams: Vec<_> = (0..SENSORS).map(imu).chain([STRAP]).collect();
        assert_eq!(store.streams(&id("s1")).unwrap(), streams);
        let absent = StreamId {
            device: DeviceIndex(1),
            kind: StreamKind::Rr,
        };
        assert_eq!(all(&store, &id("s1"), absent), []);
        store.compact(&id("s1")).unwrap();
    }
}

#[test]
fn windows_come_back_as_they_were_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 30);
    let said: Vec<_> = (0..30).map(|i| window(i, i == 29)).collect();
    for _ in 0..2 {
        assert_eq!(store.windows(&id("s1"), 0, usize::MAX).unwrap(), said);
        assert_eq!(store.windows(&id("s1"), 7, 5).unwrap(), said[7..12]);
        assert_eq!(store.windows(&id("s1"), 28, 5).unwrap(), said[28..]);
        assert_eq!(store.windows(&id("s1"), 30, 5).unwrap(), []);
        assert_eq!(store.windows(&id("s1"), u64::MAX, 5).unwrap(), []);
        assert_eq!(store.windows(&id("s1"), 0, 0).unwrap(), []);
        store.compact(&id("s1")).unwrap();
    }
    let error = store.windows(&id("s2"), 0, 1).unwrap_err();
    assert!(matches!(error, StoreError::UnknownSession(_)), "{error:?}");
}

#[test]
fn what_is_missing_is_absent_from_the_windows() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let mut windows: Vec<_> = [0, 1, 3].into_iter().map(|i| window(i, i == 3)).collect();
    windows[1].batches.remove(2);
    store.append(&id("s1"), &windows, &[]).unwrap();
    store.close(&id("s1")).unwrap();
    for _ in 0..2 {
        assert_eq!(store.windows(&id("s1"), 0, 9).unwrap(), windows);
        store.compact(&id("s1")).unwrap();
    }
}

#[test]
fn missing_batches_windows_and_events_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let mut windows: Vec<_> = [0, 1, 3].into_iter().map(|i| window(i, false)).collect();
    windows[1].batches.remove(2);
    let mut events = numbered(vec![rep(), finding(), closed(4)]);
    events.remove(1);
    store.append(&id("s1"), &windows, &events).unwrap();
    store.close(&id("s1")).unwrap();
    assert_eq!(
        store.standing(&id("s1")).unwrap().windows.checked_sub(1),
        Some(1)
    );
    let report = store.verify(&id("s1")).unwrap();
    let text = report.problems.join("\n");
    for problem in [
        "windows 2 to 2 are missing",
        "samples of 2 imu 10 to 19 are missing",
        "samples of 0 imu: 30 follows 20 in the windows",
        "events 1 to 1 are missing",
        "closed without its last window",
    ] {
        assert!(text.contains(problem), "{problem:?} is not in:\n{text}");
    }
    // What comes late heals it.
    store
        .append(
            &id("s1"),
            &[window(1, false), window(2, false)],
            &numbered(vec![rep(), finding()]),
        )
        .unwrap();
    store.append(&id("s1"), &[window(4, true)], &[]).unwrap();
    assert_eq!(
        store.standing(&id("s1")).unwrap().windows.checked_sub(1),
        Some(4)
    );
    assert_whole(&store, &id("s1"), 5);
}

#[test]
fn baselines_are_the_latest_of_the_clients_closed_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let (left, right) = (TrainingSide::Left, TrainingSide::Right);
    let sessions = [
        (
            "s1",
            "c1",
            vec![baseline("squat", left, 1.0), baseline("squat", right, 2.0)],
        ),
        ("s2", "c2", vec![baseline("squat", left, 3.0)]),
        (
            "s3",
            "c1",
            vec![baseline("squat", left, 4.0), baseline("squat", left, 5.0)],
        ),
        ("s4", "c1", vec![baseline("squat", left, 6.0)]),
    ];
    for (session, client, events) in sessions {
        store.begin(&header(session, client), None).unwrap();
        store.append(&id(session), &[], &numbered(events)).unwrap();
        if session != "s4" {
            store.close(&id(session)).unwrap();
        }
    }
    let centres = |client: &str| -> Vec<_> {
        store
            .baselines(client)
            .unwrap()
            .iter()
            .map(|b| (b.side, b.rows[0].centre))
            .collect()
    };
    assert_eq!(centres("c1"), [(left, 5.0), (right, 2.0)]);
    assert_eq!(centres("c2"), [(left, 3.0)]);
    assert_eq!(centres("c3"), []);
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plimsoll.sqlite");
    let text = "not a database, but long enough to be mistaken for one: ".repeat(40);
    fs::write(&path, &text).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::NotADatabase { .. }),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), text);

    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE somebody (elses)")
        .unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::NotADatabase { .. }),
        "{error:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);

    let error = Store::open(&path).unwrap_err();
    assert!(
        matches!(error, StoreError::NotADirectory { .. }),
        "{error:?}"
    );
}

#[test]
fn a_store_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let path = folder.path().join("plimsoll.sqlite");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 99, .. }),
        "{error:?}"
    );
}

#[test]
fn two_processes_may_make_a_store_at_the_same_time() {
    for _ in 0..30 {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(folder.path()).map(drop);
        thread::scope(|s| {
            let handles: Vec<_> = (0..4).map(|_| s.spawn(open)).collect();
            for handle in handles {
                handle.join().unwrap().unwrap();
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_order_and_repetition_gives_the_same_session(
        order in proptest::collection::vec(proptest::collection::vec(0_u64..8, 0..4), 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        store.begin(&header("s1", "c1"), None).unwrap();
        let mut said = std::collections::BTreeSet::new();
        for indices in &order {
            let windows: Vec<_> = indices.iter().map(|i| window(*i, false)).collect();
            store.append(&id("s1"), &windows, &[]).unwrap();
            said.extend(indices);
            let whole = (0..8).take_while(|i| said.contains(i)).last();
            prop_assert_eq!(store.standing(&id("s1")).unwrap().windows.checked_sub(1), whole);
        }
        let samples: Vec<_> = said.iter().flat_map(|i| window(*i, false).batches.swap_remove(3).samples).collect();
        prop_assert_eq!(all(&store, &id("s1"), imu(3)), samples);
    }
}
