//! `kill -9` at ten moments of a session: the recording and the store open again and hold every
//! acknowledged sample.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

#[path = "port/mod.rs"]
mod port;

use plimsoll::{
    mqtt::{
        BusConfig,
        subscriber::{self, Stay},
    },
    store::Store,
    wire::{payload, recording},
};
use port::free_port;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// Starts the daemon's record-and-carry on a sample, kills it after `after`, returns the last window
/// that the store acknowledged on the bus.
async fn run_and_kill(dir: &Path, port: u16, after: Duration) -> Option<u64> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/knee-squat.mcap");
    let mut child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args([
            "replay",
            "--headless",
            "--speed",
            "15",
            "--bus-listen",
            &format!("127.0.0.1:{port}"),
            "--data",
        ])
        .arg(dir.join("data"))
        .arg("--record")
        .arg(dir.join("copy.mcap"))
        .arg(sample)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (sender, mut messages) = tokio::sync::mpsc::channel(1024);
    let address = ([127, 0, 0, 1], port).into();
    let bus = BusConfig::to(address).named("witness");
    let subscription = subscriber::subscribe(
        bus,
        vec!["plimsoll/v1/+/ack/store".into()],
        Stay::Visit,
        sender,
    )
    .await;
    let mut acknowledged = None;
    let deadline = tokio::time::sleep(after);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            () = &mut deadline => break,
            message = messages.recv() => {
                let Some(message) = message else { break };
                if let Ok(ack) = payload::decode_ack(&message.payload) {
                    acknowledged = acknowledged.max(ack.windows.checked_sub(1));
                }
            }
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    drop(subscription);
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost() {
    let mut acknowledged_runs = 0;
    // Moments from before the first window to the end of the session, spread by a fixed step.
    for moment in 0..10_u64 {
        let dir = tempfile::tempdir().unwrap();
        let after = Duration::from_millis(700 + moment * 831);
        let acknowledged = run_and_kill(dir.path(), free_port(), after).await;
        let Some(last) = acknowledged else { continue };
        acknowledged_runs += 1;
        let store = Store::open(&dir.path().join("data")).unwrap();
        let session = store.sessions().unwrap()[0].header.session.clone();
        let durable = store
            .standing(&session)
            .unwrap()
            .windows
            .checked_sub(1)
            .unwrap();
        assert!(
            durable >= last,
            "moment {moment}: acknowledged {last}, stored {durable}"
        );
        let report = store.verify(&session).unwrap();
        assert!(
            report.problems.is_empty(),
            "moment {moment}: {:?}",
            report.problems
        );
        // Every sample of the acknowledged windows is in the recording too: replaying it gives them again.
        let copy = recording::read(&fs::read(dir.path().join("copy.mcap")).unwrap()).unwrap();
        let mut windows = Vec::new();
        plimsoll::pipeline::batch::windows(&copy.header, &copy.items, |w| windows.push(w.clone()))
            .unwrap();
        assert!(
            windows.len() as u64 > last,
            "moment {moment}: recording holds {} windows, acknowledged {last}",
            windows.len()
        );
        for window in windows.iter().take(last as usize) {
            for batch in &window.batches {
                let (from, to) = (batch.samples[0].t, batch.samples[batch.samples.len() - 1].t);
                let stored = store.stream(&session, batch.stream, from, to).unwrap();
                assert!(stored.len() >= batch.samples.len(), "moment {moment}");
            }
        }
    }
    assert!(
        acknowledged_runs >= 7,
        "only {acknowledged_runs} of 10 runs got as far as an acknowledgement"
    );
}
