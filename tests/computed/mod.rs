//! Header of a computed session, for tests and benches that push samples into the stages themselves.

use plimsoll::model::{
    body::Segment,
    session::{Origin, Sensor, SessionHeader, SessionId},
    time::HostNs,
};

/// A sensor on a segment that sends `nominal_hz` samples a second.
pub fn sensor(segment: Segment, nominal_hz: f64) -> Sensor {
    Sensor {
        alias: segment.to_string(),
        driver: "imported".into(),
        segment,
        confirmed_by: "nobody".into(),
        nominal_hz,
    }
}

/// A session with these sensors, without plan and baselines.
pub fn header(sensors: Vec<Sensor>) -> SessionHeader {
    SessionHeader {
        schema: "1".into(),
        session: SessionId("computed".into()),
        client: "nobody".into(),
        origin: Origin::Simulated,
        started_at: String::new(),
        started_host: HostNs(0),
        sensors,
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: String::new(),
        library_sha256: String::new(),
    }
}
