//! A broker in this process, for clients of this machine.
//!
//! It keeps nothing on disk and bounds its memory; no data depends on it. It cannot be stopped: its
//! threads end with the process.

use super::MAX_PACKET;
use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};
use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// Memory of one topic's log: segments of 4 MiB, at most 16.
const SEGMENT_BYTES: usize = 4 << 20;
const SEGMENTS: usize = 16;
/// How long the broker may take to answer after its start.
const START: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(10);

/// The embedded broker does not run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address cannot be had.
    #[error(
        "listen on {address}: {reason} (is another broker running? set bus.listen to another port, or bus.url to that broker)"
    )]
    Listen {
        /// Address.
        address: SocketAddr,
        /// What the system says.
        reason: std::io::Error,
    },
    /// No thread for it.
    #[error("start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// It does not answer.
    #[error("get an answer from {0} within 5 s")]
    Silent(SocketAddr),
}

/// The running broker.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
}

impl Embedded {
    /// Starts a broker on `listen`; port 0 takes any free one.
    ///
    /// # Errors
    /// The port is in use, or the broker does not answer.
    pub fn start(listen: SocketAddr) -> Result<Self, BrokerError> {
        let reserved = TcpListener::bind(listen).map_err(|reason| BrokerError::Listen {
            address: listen,
            reason,
        })?;
        let address = reserved.local_addr()?;
        // The library binds by itself and only logs when it cannot: it was just seen to be free.
        drop(reserved);
        let config = config(address);
        thread::Builder::new()
            .name("broker".into())
            .spawn(move || {
                if let Err(e) = Broker::new(config).start() {
                    tracing::error!("the embedded broker ended: {e:?}");
                }
            })?;
        for _ in 0..START.as_millis() / STEP.as_millis() {
            if TcpStream::connect_timeout(&address, STEP).is_ok() {
                return Ok(Self { address });
            }
            thread::sleep(STEP);
        }
        Err(BrokerError::Silent(address))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn config(listen: SocketAddr) -> Config {
    let server = ServerSettings {
        name: "plimsoll".into(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 5000,
            max_payload_size: MAX_PACKET,
            max_inflight_count: 200,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    };
    Config {
        router: RouterConfig {
            max_connections: 64,
            max_outgoing_packet_count: 200,
            max_segment_size: SEGMENT_BYTES,
            max_segment_count: SEGMENTS,
            ..RouterConfig::default()
        },
        v4: Some(HashMap::from([("plimsoll".into(), server)])),
        ..Config::default()
    }
}
