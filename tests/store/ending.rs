//! A session ends when all of it is stored: not before, and also after a kill in between.

use crate::stage::{closed, header, id, numbered, window};
use plimsoll::{
    daemon::{
        gateway::{Gateway, Source},
        hub,
        link::Link,
    },
    model::session::SessionHeader,
    mqtt::{BusConfig, broker::Embedded},
    store::{Config, Store},
    wire::{
        payload::{self, Ack, Announcement},
        topic::{Part, Subject},
    },
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// The broker may keep for a gateway what was said to its session before.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_of_another_session_counts_for_nothing() {
    let broker = Embedded::start(([127, 0, 0, 1], 0).into()).unwrap();
    let bus = BusConfig::to(broker.address());
    let consumer = Link::visit(&bus, "consumer", &[Part::Status], None)
        .await
        .unwrap();
    for name in [hub::ANALYSIS, hub::STORE] {
        let ack = Ack {
            windows: 3000,
            events: 9,
            closed: true,
            run: 1,
            short: None,
            awaits_last: false,
            refused: None,
        };
        let bytes = payload::encode_ack(&ack).unwrap();
        let subject = Subject::Ack(name.into());
        consumer
            .publish(&id("before"), subject, bytes)
            .await
            .unwrap();
    }
    consumer.flush(Duration::from_secs(10)).await.unwrap();

    let link = Link::connect(&bus, "gateway", &[Part::Ack], None).await;
    let (sender, items) = tokio::sync::mpsc::channel(1);
    drop(sender);
    let source = Source {
        items,
        waits: true,
        recorder: None,
        recording: None,
    };
    let gateway = Gateway::new(link.unwrap(), &header("now", "c1"), None, source).unwrap();
    let carried = gateway.carry(CancellationToken::new(), None).await.unwrap();
    let undelivered = carried.undelivered.unwrap();
    assert_eq!(undelivered.taken, 0);
}

/// How many windows a session of one window has in the end, whose store has one and takes its time; `awaits_last`: and it
/// is not the last.
async fn windows_in_the_end(awaits_last: bool) -> u64 {
    let broker = Embedded::start(([127, 0, 0, 1], 0).into()).unwrap();
    let bus = BusConfig::to(broker.address());
    let consumer = Link::visit(&bus, "consumer", &[Part::Status], None)
        .await
        .unwrap();
    let say = async |name: &str, windows, closed, awaits_last| {
        let ack = Ack {
            windows,
            events: 0,
            closed,
            run: 1,
            short: None,
            awaits_last,
            refused: None,
        };
        let bytes = payload::encode_ack(&ack).unwrap();
        let subject = Subject::Ack(name.into());
        consumer.publish(&id("now"), subject, bytes).await.unwrap();
        consumer.flush(Duration::from_secs(10)).await.unwrap();
    };
    say(hub::ANALYSIS, 1, true, false).await;
    say(hub::STORE, 1, false, awaits_last).await;
    let link = Link::connect(&bus, "gateway", &[Part::Ack], None).await;
    let (sender, items) = tokio::sync::mpsc::channel(1);
    drop(sender);
    let source = Source {
        items,
        waits: true,
        recorder: None,
        recording: None,
    };
    let gateway = Gateway::new(link.unwrap(), &header("now", "c1"), None, source).unwrap();
    let closing = async {
        // Longer than the gateway waits before it asks again.
        tokio::time::sleep(Duration::from_secs(6)).await;
        say(hub::STORE, 2, true, false).await;
    };
    let carrying = gateway.carry(CancellationToken::new(), None);
    let (carried, ()) = tokio::join!(carrying, closing);
    let carried = carried.unwrap();
    assert!(carried.undelivered.is_none());
    carried.windows
}

/// That the store takes long to close a session adds nothing to it; that it has more than was recorded does.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_behind_its_store_only_where_the_last_window_is_missing() {
    let (slow, behind) = tokio::join!(windows_in_the_end(false), windows_in_the_end(true));
    assert_eq!((slow, behind), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_which_all_is_stored_is_closed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let header = header("s1", "c1");
    store.begin(&header, None).unwrap();
    let windows = [window(0, false), window(1, true)];
    let events = numbered(vec![closed(2)]);
    store.append(&id("s1"), &windows, &events).unwrap();
    assert!(!store.standing(&id("s1")).unwrap().closed);

    let ack = said_of(store, folder.path(), 0, &header, None).await;
    assert_eq!((ack.windows, ack.events, ack.closed), (2, 1, true));
}

/// What a hub with this store and this to be kept free says of a session that is announced to it.
async fn said_of(
    store: Store,
    dir: &Path,
    reserve_mb: u64,
    announced: &SessionHeader,
    plan_text: Option<&str>,
) -> Ack {
    let broker = Embedded::start(([127, 0, 0, 1], 0).into()).unwrap();
    let bus = BusConfig::to(broker.address());
    let parts = [Part::Session, Part::Window, Part::Samples, Part::Event];
    let link = Link::connect(&bus, "store", &parts, None).await.unwrap();
    let config = Config {
        dir: dir.to_owned(),
        reserve_mb,
        ..Config::default()
    };
    let stop = CancellationToken::new();
    let shared = Arc::new(Mutex::new(store));
    let storing = tokio::spawn(hub::store(link, shared, config, stop.clone()));
    // The disk is asked for its room first.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let session = announced.session.clone();
    let mut gateway = Link::visit(&bus, "gateway", &[Part::Ack], Some(&session))
        .await
        .unwrap();
    let announcement = payload::encode_announcement(&Announcement {
        header: announced.clone(),
        plan_text: plan_text.map(str::to_owned),
    });
    gateway
        .publish(&session, Subject::Session, announcement.unwrap())
        .await
        .unwrap();
    let answer = gateway.next(&stop);
    let (_, bytes) = tokio::time::timeout(Duration::from_secs(20), answer)
        .await
        .unwrap()
        .unwrap();
    stop.cancel();
    storing.await.unwrap().unwrap();
    payload::decode_ack(&bytes).unwrap()
}

/// Nothing can be begun in it: no set may begin, either, and whoever asks is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_take_a_session_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let other = header("s1", "somebody-else");
    let ack = said_of(store, folder.path(), u64::MAX / 2_000_000, &other, None).await;
    assert_eq!(ack.refused, Some(payload::Refused::Different));
    assert!(ack.short.is_some(), "{ack:?}");
    assert_eq!((ack.windows, ack.closed), (0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_archived_is_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::stage::stored(folder.path(), "s1", 5);
    assert_eq!(store.uncompacted().unwrap(), [id("s1")]);
    let ack = said_of(store, folder.path(), 0, &header("s1", "c1"), Some("plan")).await;
    assert!(ack.closed);
    let store = Store::open(folder.path()).unwrap();
    assert!(store.uncompacted().unwrap().is_empty());
}
