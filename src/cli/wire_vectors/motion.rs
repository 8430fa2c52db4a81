//! Vectors of motion sensors, the ring and the cycling and running services.

use super::{Fields, object};
use crate::{
    decode::{
        cadence, colmi,
        dot::{message, payload::Payload},
        metamotion::message::{Message, tick_ns},
        movesense::batch::{self, Batch, Heart, Kind},
        thingy,
    },
    model::packet::Uuid,
};
use serde_json::{Value, json};

fn parsed<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|e| e.to_string())
}

pub(super) fn dot(vector: &Value, bytes: &[u8]) -> Result<Fields, String> {
    if vector["decoder"].as_str() == Some("dot_msg") {
        let read = parsed(message::Message::parse(bytes))?;
        return Ok(object(json!({
            "mid": read.group,
            "len": read.length,
            "reid": read.identifier,
            "sum_mod_256": message::sum(bytes),
        })));
    }
    let number = vector["params"]["mode"].as_u64().unwrap_or_default();
    let payload = parsed(Payload::parse(number as u8, bytes))?;
    Ok(object(json!({
        "ts_us": payload.time_us,
        "quat": payload.quaternion,
        "free_acc": payload.free_acceleration,
        "euler": payload.euler_deg,
        "acc": payload.acceleration,
        "gyr": payload.angular_rate_dps,
        "mag": payload.magnetic,
        "status": payload.status,
    })))
}

/// The range that a vector was taken at is not in its bytes but beside them, as the numbers a unit has.
pub(super) fn metamotion(params: &Value, bytes: &[u8]) -> Result<Fields, String> {
    let scale = params["scale"].as_f64().unwrap_or(1.0);
    let vector = |raw: [i16; 3]| raw.map(|v| f64::from(v) / scale);
    Ok(match parsed(Message::parse(bytes))? {
        Message::Module { chip, .. } => object(json!({
            "impl": chip.map(|c| c[0]),
            "rev": chip.map(|c| c[1]),
        })),
        Message::Samples { raw, .. } => {
            let mut fields = object(json!({ "count": raw.iter().count() }));
            for (i, raw) in raw.iter().enumerate() {
                fields.insert(format!("s{i}"), json!(vector(raw)));
            }
            fields
        }
        Message::Fusion {
            values,
            count,
            accuracy,
            ..
        } => {
            let values: Vec<f64> = values.iter().take(count).map(|v| v / scale).collect();
            object(json!({ "v": values, "acc": accuracy }))
        }
        Message::Ticked { tick, raw, .. } => {
            // The vectors state whole milliseconds.
            let ms = (tick_ns(tick.into()) as f64 / 1e6).round();
            object(json!({ "ms": ms, "v": vector(raw) }))
        }
        Message::Battery { percent, millivolt } => {
            object(json!({ "charge": percent, "mv": millivolt }))
        }
        Message::Created { processor } => object(json!({ "id": processor })),
        Message::Other => return Err("the notification is of no known kind".to_owned()),
    })
}

pub(super) fn movesense(params: &Value, bytes: &[u8]) -> Result<Fields, String> {
    let (kind, groups): (Kind, &[&str]) = match params["as"].as_str() {
        Some("acc" | "gyro" | "magn") => (Kind::Vector, &["v"]),
        Some("imu6") => (Kind::Imu6, &["a", "g"]),
        Some("imu9") => (Kind::Imu9, &["a", "g", "m"]),
        Some("hr") => return heart(bytes),
        Some("temp") => {
            let (kelvin, ms) = parsed(batch::temperature(bytes))?;
            return Ok(object(json!({ "kelvin": kelvin, "ts_ms": ms })));
        }
        other => return Err(format!("resource {other:?} is not known")),
    };
    let batch = parsed(Batch::parse(kind, bytes))?;
    let mut fields = object(json!({ "ts_ms": batch.time_ms, "n": batch.samples }));
    for (group, name) in groups.iter().enumerate() {
        for i in 0..batch.samples {
            fields.insert(format!("{name}{i}"), json!(batch.vector(group, i)));
        }
    }
    Ok(fields)
}

fn heart(bytes: &[u8]) -> Result<Fields, String> {
    let heart = parsed(Heart::parse(bytes))?;
    let intervals: Vec<u16> = heart.intervals_ms().collect();
    Ok(object(json!({ "bpm": heart.bpm, "rr_ms": intervals })))
}

pub(super) fn thingy(bytes: &[u8]) -> Result<Fields, String> {
    let raw = parsed(thingy::Raw::parse(bytes))?;
    Ok(object(json!({
        "acc_g": raw.acceleration_g,
        "gyro_dps": raw.angular_rate_dps,
        "mag_ut": raw.field_microtesla,
    })))
}

pub(super) fn colmi(bytes: &[u8]) -> Result<Fields, String> {
    use colmi::Message;
    // Its sum is right, or it would not have been read.
    let mut fields = object(json!({ "ok": true }));
    fields.extend(object(match parsed(Message::parse(bytes))? {
        Message::Measured { kind, error, value } => {
            json!({ "kind": kind, "err": error, "value": value })
        }
        Message::Battery { percent, charging } => {
            json!({ "percent": percent, "charging": charging })
        }
        Message::Acceleration { raw } => {
            let [x, y, z] = raw;
            json!({ "x": x, "y": y, "z": z, "g": raw.map(|v| f64::from(v) / colmi::LSB_PER_G) })
        }
        Message::Today {
            steps,
            calories,
            distance,
        } => json!({ "steps": steps, "calories": calories, "distance": distance }),
        // The log that the vector was cut from announced units of 10 cal.
        Message::Log(entry) => json!({
            "year": entry.year,
            "month": entry.month,
            "day": entry.day,
            "time_index": entry.time_index,
            "calories": 10 * u32::from(entry.energy),
            "steps": entry.steps,
            "distance": entry.distance,
        }),
        Message::Other(_) => json!({}),
    }));
    Ok(fields)
}

pub(super) fn cadence(characteristic: Uuid, bytes: &[u8]) -> Result<Fields, String> {
    let named = parsed(cadence::parse(characteristic, bytes))?;
    let field = |(name, value): (&str, f64)| (in_vector_words(name).to_owned(), json!(value));
    Ok(named.into_iter().map(field).collect())
}

fn in_vector_words(name: &str) -> &str {
    match name {
        "wheel_revolutions" => "wheel_revs",
        "wheel_time_s" => "wheel_t",
        "crank_revolutions" => "crank_revs",
        "crank_time_s" => "crank_t",
        "cadence_per_min" => "cadence",
        "balance_percent" => "balance_pct",
        same => same,
    }
}
