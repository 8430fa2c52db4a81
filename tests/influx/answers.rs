//! Whatever the server answers, every sample is in the store or at the server, once.

use crate::{
    stage::{self, SENSORS, STRAP, all, expected, id, imu},
    standin::{Act, StandIn},
};
use plimsoll::store::{
    Forwarded, Settled, Store, StoreError,
    influx::{
        Target,
        answer::Trouble,
        fitness::Keeps,
        server::{Dialect, InfluxError, Server},
    },
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const WINDOWS: u64 = 60;
const SAMPLES: u64 = WINDOWS * (SENSORS as u64 * 10 + 1);
/// Samples of a request here: every stream in several.
const MOST: u64 = 500;

/// Who has something removed.
const BY: plimsoll::store::Act<'_> = plimsoll::store::Act {
    actor: "t",
    at: "2026-09-01T00:00:00Z",
};

fn target(stand_in: &StandIn) -> Target {
    Target {
        url: stand_in.url(),
        org: "gym-org".to_owned(),
        bucket: "gym".to_owned(),
        token_file: None,
        ca: None,
    }
}

fn stored(dir: &Path) -> Store {
    stage::stored(dir, "s1", WINDOWS)
}

/// Sends until nothing is left, as the daemon does; what was in the way.
fn send(store: &mut Store, server: &mut Server) -> (Forwarded, Vec<Trouble>) {
    let (mut sum, mut troubles) = (Forwarded::default(), Vec::new());
    for _ in 0..200 {
        let done = store.forward(server, MOST).unwrap();
        sum.samples += done.samples;
        sum.kept_aside += done.kept_aside;
        sum.why = done.why.or(sum.why);
        match done.trouble {
            Some(Trouble::Busy { status, why }) => {
                std::thread::sleep(
                    server
                        .rest(std::time::SystemTime::now())
                        .unwrap_or_default(),
                );
                troubles.push(Trouble::Busy { status, why });
            }
            Some(trouble) => troubles.push(trouble),
            None if done.samples + done.kept_aside == 0 => return (sum, troubles),
            None => {}
        }
    }
    panic!("it never ends: {troubles:?}");
}

fn assert_settled(store: &mut Store, server: &mut Server) {
    assert_eq!(store.sent_whole(server).unwrap(), [id("s1")]);
    assert_eq!(store.settle(server, &id("s1")).unwrap(), Settled::Moved);
    let stats = store.stats().unwrap();
    assert_eq!(
        (stats.samples_in_database, stats.samples_away),
        (0, SAMPLES)
    );
    stage::assert_whole(store, &id("s1"), WINDOWS);
    // Windows come off it as they came off the bus.
    let windows = store.windows(&id("s1"), 0, usize::MAX).unwrap();
    let expected: Vec<_> = (0..WINDOWS)
        .map(|i| stage::window(i, i + 1 == WINDOWS))
        .collect();
    assert!(windows == expected);
}

/// One misbehaviour at the third write, then all is well: everything goes, once.
fn survives(act: Act) -> (Vec<Trouble>, StandIn) {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    let first = store.forward(&mut server, MOST).unwrap();
    stand_in.state().script.push_back(act);
    let (rest, troubles) = send(&mut store, &mut server);
    assert_eq!(first.samples + rest.samples, SAMPLES);
    assert_eq!(rest.kept_aside, 0);
    assert_settled(&mut store, &mut server);
    (troubles, stand_in)
}

#[test]
fn everything_goes_packed_and_reads_back_to_the_last_bit() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    assert_eq!(
        store.stats().unwrap().samples_waiting,
        0,
        "no place is known yet"
    );
    let (sent, troubles) = send(&mut store, &mut server);
    assert_eq!((sent.samples, troubles.len()), (SAMPLES, 0));
    assert!(stand_in.state().packed > 0);
    assert_settled(&mut store, &mut server);
    // A reader that knows nothing but the folder finds them.
    let reader = Store::open(folder.path()).unwrap();
    for stream in (0..SENSORS).map(imu).chain([STRAP]) {
        assert!(all(&reader, &id("s1"), stream) == expected(stream, WINDOWS));
    }
}

#[test]
fn a_refused_token_is_somebodys_to_see_to() {
    let body = r#"{"code":"unauthorized","message":"unauthorized access"}"#;
    let (troubles, _) = survives(Act::Answer(401, body));
    let said = troubles[0].to_string();
    assert!(
        troubles[0].needs_somebody() && said.contains("unauthorized access"),
        "{said}"
    );
}

#[test]
fn a_bucket_that_is_gone_is_waited_for() {
    let (troubles, _) = survives(Act::Answer(
        404,
        r#"{"message":"bucket \"gym\" not found"}"#,
    ));
    assert!(matches!(&troubles[0], Trouble::Bucket(why) if why.contains("not found")));
}

#[test]
fn a_server_error_is_tried_again() {
    let (troubles, _) = survives(Act::Answer(500, "oh no"));
    let why = "oh no".to_owned();
    assert_eq!(troubles, [Trouble::Busy { status: 500, why }]);
}

#[test]
fn a_server_that_asks_to_be_left_alone_is() {
    for status in [429, 503] {
        let begin = Instant::now();
        let (troubles, stand_in) = survives(Act::Rest(status, 2));
        assert!(
            matches!(troubles[..], [Trouble::Busy { .. }]),
            "{troubles:?}"
        );
        assert!(begin.elapsed() >= Duration::from_secs(2));
        assert_eq!(stand_in.state().disturbed, 0);
    }
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let begin = Instant::now();
    let (troubles, _) = survives(Act::Hang(Duration::from_secs(60)));
    assert!(matches!(troubles[..], [Trouble::Silent(_)]), "{troubles:?}");
    assert!(
        begin.elapsed() < Duration::from_secs(25),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    let (troubles, _) = survives(Act::HalfClosed);
    assert!(matches!(troubles[..], [Trouble::Silent(_)]), "{troubles:?}");
}

#[test]
fn what_is_half_taken_is_sent_in_parts() {
    let (troubles, _) = survives(Act::Partial);
    assert_eq!(troubles, []);
}

#[test]
fn what_is_too_large_goes_in_parts() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    stand_in.state().most_lines = Some(33);
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    let (sent, _) = send(&mut store, &mut server);
    assert_eq!((sent.samples, sent.kept_aside), (SAMPLES, 0));
    assert_settled(&mut store, &mut server);
}

#[test]
fn packing_that_is_refused_is_left_out() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    stand_in.state().no_gzip = true;
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    let (sent, troubles) = send(&mut store, &mut server);
    assert_eq!((sent.samples, troubles.len()), (SAMPLES, 0));
    assert_eq!(stand_in.state().packed, 0);
    let writes = stand_in
        .state()
        .seen
        .iter()
        .filter(|s| s.contains("/write"))
        .count();
    assert!(writes < 10, "it learned after the first of {writes}");
    assert_settled(&mut store, &mut server);
}

#[test]
fn what_the_server_never_takes_stays_here_and_is_counted() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    stand_in.state().hated = Some("sequence=123i".to_owned());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    let (sent, _) = send(&mut store, &mut server);
    // The batch of ten of each of the four sensors that has such a sample.
    let refused = u64::from(SENSORS) * 10;
    assert_eq!(
        (sent.samples, sent.kept_aside),
        (SAMPLES - refused, refused)
    );
    assert!(sent.why.unwrap().contains("field type conflict"));
    assert_eq!(store.stats().unwrap().samples_refused, refused);
    // The session stays, whole.
    assert_eq!(store.sent_whole(&server).unwrap(), []);
    stage::assert_whole(&store, &id("s1"), WINDOWS);
    // Somebody mends it; it is sent again and moves.
    stand_in.state().hated = None;
    let (again, settled) = store.move_to(&mut server, &id("s1"), MOST, |_| {}).unwrap();
    assert_eq!(
        (again.samples, again.kept_aside, settled),
        (SAMPLES, 0, Settled::Moved)
    );
    assert_eq!(store.stats().unwrap().samples_refused, 0);
    stage::assert_whole(&store, &id("s1"), WINDOWS);
}

#[test]
fn what_does_not_read_back_stays() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    send(&mut store, &mut server);
    {
        let mut state = stand_in.state();
        let series = state.points.values_mut().next().unwrap();
        *series.values_mut().next().unwrap() = "1.5".to_owned();
    }
    let settled = store.settle(&mut server, &id("s1")).unwrap();
    assert!(matches!(settled, Settled::Stays(why) if why.contains("does not read back")));
    assert_eq!(store.stats().unwrap().samples_in_database, SAMPLES);
    // Nor with an answer that is cut anywhere.
    for cut in [1, 150, 1000] {
        stand_in.state().cut = Some(cut);
        let settled = store.settle(&mut server, &id("s1")).unwrap();
        assert!(matches!(settled, Settled::Stays(_)), "{settled:?}");
    }
}

#[test]
fn what_changes_there_later_is_found() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    send(&mut store, &mut server);
    assert_settled(&mut store, &mut server);
    let gone = {
        let mut state = stand_in.state();
        let series = state.points.values_mut().next().unwrap();
        let stamp = series.keys().next().unwrap().0;
        let before = series.len();
        series.retain(|key, _| key.0 != stamp);
        before - series.len()
    };
    assert!(gone > 0);
    let report = store.verify(&id("s1")).unwrap();
    assert!(
        report.problems[0].contains("samples, not the"),
        "{:?}",
        report.problems
    );
    let error = store.windows(&id("s1"), 0, 10).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}

#[test]
fn samples_come_home_again() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    store.compact(&id("s1")).unwrap();
    let mut server = Server::open(&target(&stand_in)).unwrap();
    // From files there, and back.
    let (_, settled) = store.move_to(&mut server, &id("s1"), MOST, |_| {}).unwrap();
    assert_eq!(settled, Settled::Moved);
    assert_eq!(store.stats().unwrap().samples_away, SAMPLES);
    stage::assert_whole(&store, &id("s1"), WINDOWS);
    assert!(store.bring_home(&id("s1")).unwrap());
    assert!(stand_in.state().points.is_empty(), "it was removed there");
    assert!(!store.bring_home(&id("s1")).unwrap());
    let stats = store.stats().unwrap();
    assert_eq!((stats.samples_away, stats.samples_in_files), (0, SAMPLES));
    drop(stand_in);
    stage::assert_whole(&store, &id("s1"), WINDOWS);
}

#[test]
fn an_erased_client_is_erased_there() {
    use plimsoll::store::DataClass;
    for erase in [true, false] {
        let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
        let mut store = stored(folder.path());
        let mut server = Server::open(&target(&stand_in)).unwrap();
        send(&mut store, &mut server);
        assert_settled(&mut store, &mut server);
        stand_in.state().token = Some("another".to_owned());
        let refused = if erase {
            store.erase("c1", BY)
        } else {
            store.remove(&id("s1"), DataClass::Raw, BY)
        };
        // Not there, so not here: who asked knows that it is not done.
        assert!(matches!(refused, Err(StoreError::Influx(_))), "{refused:?}");
        assert_eq!(store.sessions().unwrap().len(), 1);
        stand_in.state().token = None;
        if erase {
            store.erase("c1", BY).unwrap();
            assert!(store.sessions().unwrap().is_empty());
        } else {
            store.remove(&id("s1"), DataClass::Raw, BY).unwrap();
        }
        assert!(stand_in.state().points.is_empty());
    }
}

/// Whoever never took anything need not be there to have it removed.
#[test]
fn a_server_that_took_nothing_keeps_nobody_from_erasing() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    stand_in.state().token = Some("another".to_owned());
    assert!(store.forward(&mut server, MOST).unwrap().trouble.is_some());
    let mut nobody = target(&stand_in);
    nobody.url = "http://127.0.0.1:1".to_owned();
    let mut nobody = Server::open(&nobody).unwrap();
    let sent = store.forward(&mut nobody, MOST).unwrap();
    assert!(
        matches!(sent.trouble, Some(Trouble::Unreached(_))),
        "{sent:?}"
    );
    store.erase("c1", BY).unwrap();
}

/// One that took something and is gone for good is forgotten on request.
#[test]
fn a_server_that_is_gone_is_not_asked() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    send(&mut store, &mut server);
    stand_in.state().token = Some("another".to_owned());
    assert!(store.erase("c1", BY).is_err());
    assert_eq!(store.forget_points(&id("s1")).unwrap().len(), 1);
    store.erase("c1", BY).unwrap();
    assert!(store.sessions().unwrap().is_empty());
}

/// The very first write was taken, and nobody here knows it.
#[test]
fn what_was_taken_without_an_answer_is_erased_there_as_well() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    stand_in.state().script.push_back(Act::HalfClosed);
    let sent = store.forward(&mut server, MOST).unwrap();
    assert!(sent.trouble.is_some() && sent.samples == 0, "{sent:?}");
    assert!(!stand_in.state().points.is_empty());
    store.erase("c1", BY).unwrap();
    assert!(stand_in.state().points.is_empty());
}

/// A write is on its way while somebody else erases the client.
#[test]
fn what_comes_there_after_it_was_erased_is_removed_again() {
    let (folder, stand_in) = (tempfile::tempdir().unwrap(), StandIn::start());
    let mut store = stored(folder.path());
    let mut server = Server::open(&target(&stand_in)).unwrap();
    let slow = Act::TakesItsTime(Duration::from_secs(3));
    stand_in.state().script.push_back(slow);
    let sending = std::thread::spawn(move || store.forward(&mut server, MOST).map(|_| store));
    std::thread::sleep(Duration::from_secs(1));
    Store::open(folder.path()).unwrap().erase("c1", BY).unwrap();
    let store = sending.join().unwrap().unwrap();
    assert!(stand_in.state().points.is_empty());
    assert!(store.sessions().unwrap().is_empty());
}

#[test]
fn the_check_says_what_is_wrong_in_a_sentence() {
    let stand_in = StandIn::start();
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "secret\n").unwrap();
    let mut target = target(&stand_in);
    target.token_file = Some(token_file.clone());
    stand_in.state().token = Some("secret".to_owned());
    stand_in.state().keeps_s = 86_400;
    let check = |target: &Target| Server::open(target).and_then(|mut s| s.check());
    let fitness = check(&target).unwrap();
    assert_eq!(
        (fitness.dialect, fitness.keeps),
        (Dialect::Influx, Keeps::For(86_400))
    );
    stand_in.state().token = Some("another".to_owned());
    let said = check(&target).unwrap_err().to_string();
    assert!(
        said.contains("refuses the token") && !said.contains("secret"),
        "{said}"
    );
    stand_in.state().token = None;
    stand_in.state().no_bucket = true;
    let said = check(&target).unwrap_err().to_string();
    assert!(
        said.contains("bucket \"gym\"") && said.contains("does not know"),
        "{said}"
    );
    std::fs::write(&token_file, "two\nlines").unwrap();
    let said = check(&target).unwrap_err().to_string();
    assert!(said.contains("one line"), "{said}");
    target.token_file = Some(folder.path().join("none"));
    assert!(matches!(check(&target), Err(InfluxError::Settings(_))));
    target.token_file = None;
    target.url = "http://127.0.0.1:1".to_owned();
    let said = check(&target).unwrap_err().to_string();
    assert!(said.contains("does not answer"), "{said}");
    for url in [
        "influx",
        "ftp://a",
        "http://a/b",
        "http://a/?x=1",
        "http://",
    ] {
        target.url = url.to_owned();
        assert_eq!(target.problems()[0].0, "url", "{url}");
    }
}
