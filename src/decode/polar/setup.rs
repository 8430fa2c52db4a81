//! How Polar measurement data is started and stopped: features, then for each stream settings, choice, start.
//!
//! What the device offers decides: a strap without a gyroscope leaves that stream out. The widest range
//! is taken, the rate nearest to the wish. Raw mode ("SDK mode") is switched on only where the wished rate
//! needs it, because it ends the sensor's own heart rate; it outlives a connection, so it is switched off
//! where it is not wanted.

use super::{
    CONTROL, DATA,
    control::{self, ControlPoint, Operation, Settings},
    frame::Measurement,
};
use crate::{
    decode::{
        driver::Wish,
        gatt::{Answer, Bytes, GattOp, Reply},
        heart_rate,
    },
    model::reading::Measurand,
};

/// Below this the device answers every command with status 10.
const MTU: u16 = 232;
const ANSWER_MS: u32 = 5000;
const STOP_MS: u32 = 1000;
/// Status "already in that state": as good as done.
const ALREADY: u8 = 6;
const MTU_TOO_SMALL: u8 = 10;
/// An offered rate below this share of the wished one is not what was wished.
const RATE_SHARE: f64 = 0.9;

/// What is measured without being asked.
const DEFAULT: &[Measurand] = &[
    Measurand::HeartRate,
    Measurand::Acceleration,
    Measurand::AngularRate,
];

/// A stream of measurement data.
struct Stream {
    measurement: Measurement,
    starts: &'static [Measurand],
    /// Hz; motion for repetitions, the others as slow as is useful.
    default_hz: f64,
}

const fn stream(measurement: Measurement, starts: &'static [Measurand], default_hz: f64) -> Stream {
    Stream {
        measurement,
        starts,
        default_hz,
    }
}

/// In the order of starting. The first batch of pulse intervals takes about 25 s.
const STREAMS: [Stream; 5] = [
    stream(Measurement::Acc, &[Measurand::Acceleration], 100.0),
    stream(Measurement::Gyro, &[Measurand::AngularRate], 100.0),
    stream(Measurement::Mag, &[Measurand::MagneticField], 50.0),
    stream(Measurement::Ecg, &[Measurand::Ecg], 130.0),
    stream(Measurement::Ppi, &[Measurand::PulseInterval], 0.0),
];

/// The streams of a wish.
fn streams(wish: &Wish) -> impl Iterator<Item = &'static Stream> {
    STREAMS
        .iter()
        .filter(|s| s.starts.iter().any(|m| wish.wants(*m, DEFAULT)))
}

fn heart_rate_wanted(wish: &Wish) -> bool {
    [Measurand::HeartRate, Measurand::RrInterval]
        .iter()
        .any(|m| wish.wants(*m, DEFAULT))
}

/// Raw mode is possible where a rate is wished and nothing that it ends: a rate says more than the default
/// of heart rate does.
fn raw_mode_possible(wish: &Wish) -> bool {
    let named = |m| wish.streams.contains(&m);
    let ended = named(Measurand::HeartRate)
        || named(Measurand::RrInterval)
        || named(Measurand::PulseInterval);
    wish.rate_hz.is_some() && !ended
}

/// From a fresh connection to streaming.
pub(super) fn setup(wish: &Wish) -> Vec<GattOp> {
    let mut ops = Vec::new();
    let measured = streams(wish).next().is_some();
    if measured {
        ops.push(GattOp::NeedMtu(MTU));
    }
    if heart_rate_wanted(wish) {
        let subscribe = GattOp::subscribe(heart_rate::MEASUREMENT, &[Measurand::HeartRate]);
        ops.push(if measured {
            subscribe.or_skip()
        } else {
            subscribe
        });
    }
    ops.push(GattOp::read(heart_rate::BATTERY_LEVEL));
    if !measured {
        return ops;
    }
    ops.push(GattOp::subscribe(CONTROL, &[]));
    ops.push(GattOp::subscribe(DATA, &[]));
    ops.extend(raw_mode(wish));
    for stream in streams(wish) {
        ops.extend(start(stream, wish));
    }
    ops
}

/// Stops what [`setup`] may have started for the same wish.
pub(super) fn teardown(wish: &Wish) -> Vec<GattOp> {
    let stop = |measurement: Measurement| {
        let bytes = vec![Operation::STOP.0, measurement as u8];
        GattOp::ask(CONTROL, bytes, answer(STOP_MS)).or_skip()
    };
    let raw_mode = raw_mode_possible(wish).then_some(Measurement::SdkMode);
    streams(wish)
        .map(|s| s.measurement)
        .chain(raw_mode)
        .map(stop)
        .collect()
}

fn answer(within_ms: u32) -> Answer {
    Answer {
        characteristic: CONTROL,
        read: reply,
        within_ms,
    }
}

/// Reads a value of the control point as the answer to `command`.
fn reply<'a>(command: &[u8], value: &'a [u8]) -> Reply<'a> {
    let Ok(ControlPoint::Reply(reply)) = ControlPoint::parse(value) else {
        return Reply::Other;
    };
    // Some firmware swaps operation and measurement in this one answer.
    if reply.status == MTU_TOO_SMALL {
        return Reply::Refused(MTU_TOO_SMALL.into());
    }
    if command.first_chunk() != Some(&[reply.operation.0, reply.measurement]) {
        return Reply::Other;
    }
    match (reply.status, reply.more) {
        (0, 0) => Reply::Done(reply.parameters),
        (0, _) => Reply::Part(reply.parameters),
        (ALREADY, _) => Reply::Done(&[]),
        (status, _) => Reply::Refused(status.into()),
    }
}

/// A command that is sent only to a device that has every one of `needed`.
fn if_offered(needed: &'static [Measurement], command: [u8; 2]) -> GattOp {
    let bytes = Bytes::chosen(move |features| {
        let Ok(ControlPoint::Features(mask)) = ControlPoint::parse(features) else {
            return None;
        };
        let offered = |m: &Measurement| control::offers(mask, *m);
        needed.iter().all(offered).then(|| command.to_vec())
    });
    GattOp::ask(CONTROL, bytes, answer(ANSWER_MS)).or_skip()
}

fn read_features() -> GattOp {
    GattOp::Read {
        characteristic: CONTROL,
        optional: false,
    }
}

fn raw_mode(wish: &Wish) -> Vec<GattOp> {
    const SDK: u8 = Measurement::SdkMode as u8;
    let off = || {
        let command = [Operation::STOP.0, SDK];
        [
            read_features(),
            if_offered(&[Measurement::SdkMode], command),
        ]
    };
    let mut ops = off().to_vec();
    let Some(wished_hz) = wish.rate_hz.filter(|_| raw_mode_possible(wish)) else {
        return ops;
    };
    let settings = [Operation::SETTINGS.0, Measurement::Acc as u8];
    let on = Bytes::chosen(move |settings| {
        let offered = Settings::parse(settings).ok()?.rate_hz;
        let best = f64::from(offered.into_iter().max()?);
        (best < RATE_SHARE * wished_hz).then(|| vec![Operation::START.0, SDK])
    });
    ops.push(read_features());
    ops.push(if_offered(
        &[Measurement::Acc, Measurement::SdkMode],
        settings,
    ));
    ops.push(GattOp::ask(CONTROL, on, answer(ANSWER_MS)).or_skip());
    ops
}

fn start(stream: &'static Stream, wish: &Wish) -> Vec<GattOp> {
    let code = stream.measurement as u8;
    let needed = std::slice::from_ref(&stream.measurement);
    if stream.measurement == Measurement::Ppi {
        let command = [Operation::START.0, code];
        return vec![
            read_features(),
            if_offered(needed, command).starting(stream.starts),
        ];
    }
    let wish = wish.clone();
    let bytes = Bytes::chosen(move |settings| {
        let settings = Settings::parse(settings).ok()?;
        start_command(code, &settings, &wish, stream.default_hz)
    });
    vec![
        read_features(),
        if_offered(needed, [Operation::SETTINGS.0, code]),
        GattOp::ask(CONTROL, bytes, answer(ANSWER_MS))
            .or_skip()
            .starting(stream.starts),
    ]
}

/// One value of each setting that the device offers: the rate nearest to the wish, of the others the largest.
fn start_command(code: u8, offered: &Settings, wish: &Wish, default_hz: f64) -> Option<Vec<u8>> {
    let rates = offered.rate_hz.iter().map(|hz| f64::from(*hz));
    let rate = wish.nearest_hz(rates, default_hz) as u16;
    let mut bytes = vec![Operation::START.0, code, 0, 1];
    if rate == 0 {
        return None;
    }
    bytes.extend(rate.to_le_bytes());
    for (id, values) in [(1, &offered.resolution_bit), (2, &offered.range)] {
        if let Some(most) = values.iter().max() {
            bytes.extend([id, 1]);
            bytes.extend(most.to_le_bytes());
        }
    }
    if let Some(most) = offered.range_milli.iter().max() {
        bytes.extend([3, 1]);
        bytes.extend(most.to_le_bytes());
    }
    if let Some(most) = offered.channels.iter().max() {
        bytes.extend([4, 1, *most]);
    }
    Some(bytes)
}

/// The range that is chosen from these settings, in the unit of the measurement.
pub(super) fn chosen_range(offered: &Settings) -> Option<f64> {
    let whole = offered.range.iter().max().map(|r| f64::from(*r));
    let milli = offered.range_milli.iter().max();
    whole.or(milli.map(|r| 1e-3 * f64::from(*r)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(settings: &[u8], wish: &Wish) -> Vec<u8> {
        start_command(2, &Settings::parse(settings).unwrap(), wish, 100.0).unwrap()
    }

    #[test]
    fn the_widest_range_at_the_nearest_rate_is_chosen() {
        let h10 = [
            0, 4, 25, 0, 50, 0, 100, 0, 200, 0, 1, 1, 16, 0, 2, 3, 2, 0, 4, 0, 8, 0,
        ];
        let start = |hz: u8| vec![2, 2, 0, 1, hz, 0, 1, 1, 16, 0, 2, 1, 8, 0];
        assert_eq!(command(&h10, &Wish::default()), start(100));
        let slow = Wish {
            rate_hz: Some(52.0),
            ..Wish::default()
        };
        assert_eq!(command(&h10, &slow), start(50));
        let verity = [0, 1, 52, 0, 1, 1, 16, 0, 2, 1, 8, 0, 4, 1, 3];
        let want = [2, 2, 0, 1, 52, 0, 1, 1, 16, 0, 2, 1, 8, 0, 4, 1, 3];
        assert_eq!(command(&verity, &Wish::default()), want);
    }

    #[test]
    fn answers_to_other_commands_are_none() {
        let settings = [1, 2];
        assert_eq!(reply(&settings, &[0xf0, 2, 2, 0, 0]), Reply::Other);
        assert_eq!(reply(&settings, &[0xf0, 1, 2, 0, 1, 7]), Reply::Part(&[7]));
        assert_eq!(reply(&settings, &[0xf0, 1, 2, 0, 0, 8]), Reply::Done(&[8]));
        assert_eq!(reply(&[2, 2], &[0xf0, 2, 2, 6, 0]), Reply::Done(&[]));
        assert_eq!(reply(&[2, 2], &[0xf0, 2, 2, 3]), Reply::Refused(3));
        assert_eq!(reply(&[1, 0], &[0xf0, 0, 1, 10]), Reply::Refused(10));
    }
}
