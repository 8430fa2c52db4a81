//! What every client of the bus has in common: options, and how long to wait before trying again.

use super::{BusConfig, MAX_PACKET};
use backon::{BackoffBuilder, ExponentialBuilder};
use rumqttc::{AsyncClient, EventLoop, MqttOptions};
use std::time::Duration;

/// Messages without acknowledgement that the broker and we allow on a connection.
pub(super) const IN_FLIGHT: u16 = 100;

/// A fresh connection: its state begins anew, because a reused event loop can livelock on a packet id.
pub(super) fn fresh(bus: &BusConfig, keep_session: bool) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(&bus.client_id, &bus.host, bus.port);
    options
        .set_keep_alive(Duration::from_secs(10))
        .set_max_packet_size(MAX_PACKET, MAX_PACKET)
        .set_inflight(IN_FLIGHT)
        .set_clean_session(!keep_session);
    if let Some(user) = &bus.user {
        let password = std::env::var("PLIMSOLL_MQTT_PASSWORD").unwrap_or_default();
        options.set_credentials(user, password);
    }
    let (client, mut events) = AsyncClient::new(options, usize::from(IN_FLIGHT) * 2);
    events.network_options.set_tcp_nodelay(true);
    (client, events)
}

/// Waiting times before the next attempts: growing, at most 10 s, with jitter: a broker nearby is back when it is back.
pub(super) fn patience() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build()
        .map(|d| d.min(Duration::from_secs(10)))
}
