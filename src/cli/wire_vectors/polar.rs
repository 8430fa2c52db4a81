//! Polar vectors: measurement frames, bare delta blocks, control point values, sample instants.

use super::{Fields, object};
use crate::decode::polar::{
    CONTROL,
    control::{self, ControlPoint, Settings},
    delta::{self, Shape},
    frame::{Frame, Measurement, Number},
    times::FrameTimes,
    unit_factor,
};
use serde_json::{Map, Value, json};

/// What the decoder says about a vector, in the vector's words.
pub(super) fn fields(vector: &Value, bytes: &[u8]) -> Result<Fields, String> {
    let control_point = vector["characteristic"].as_str() == Some(&CONTROL.to_string());
    let written = vector["kind"].as_str().is_some_and(|k| k.contains("write"));
    match vector["decoder"].as_str() {
        Some("pmd_settings") => Ok(settings(&parsed(Settings::parse(bytes))?)),
        Some("pmd_times") => Ok(times(&vector["params"])),
        Some("delta") => delta_blocks(&vector["params"], bytes),
        _ if control_point && written => command(bytes),
        _ if control_point => control_value(bytes),
        _ => frame(&vector["params"], bytes),
    }
}

fn parsed<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|e| e.to_string())
}

fn settings(settings: &Settings) -> Fields {
    object(json!({
        "rate": settings.rate_hz,
        "resolution": settings.resolution_bit,
        "range": settings.range,
        "range_milli": settings.range_milli,
        "channels": settings.channels,
        "factor": settings.factor,
    }))
}

fn times(params: &Value) -> Fields {
    let number = |key: &str| params[key].as_i64().unwrap_or_default();
    let samples = usize::try_from(number("n")).unwrap_or_default();
    let span = FrameTimes::new(1.0)
        .after(number("prev"))
        .frame(number("ts"), samples);
    object(json!({
        "t0": span.instant_ns(0),
        "t1": span.instant_ns(1),
        "tlast": span.instant_ns(samples.saturating_sub(1)),
    }))
}

fn command(bytes: &[u8]) -> Result<Fields, String> {
    let (operation, code) = parsed(control::command(bytes))?;
    Ok(object(json!({
        "op": operation.name(),
        "type": Measurement::from_code(code).map(Measurement::name),
    })))
}

fn control_value(bytes: &[u8]) -> Result<Fields, String> {
    Ok(match parsed(ControlPoint::parse(bytes))? {
        ControlPoint::Features(mask) => features(mask),
        ControlPoint::Stopped(codes) => object(json!({ "stopped": codes })),
        ControlPoint::Reply(reply) => object(json!({
            "op": reply.operation.0,
            "type": reply.measurement,
            "status": reply.status,
            "more": reply.more,
            "settings": settings(&parsed(Settings::parse(reply.parameters))?),
        })),
    })
}

fn features(mask: u16) -> Fields {
    let offered: Vec<&str> = control::features(mask).map(Measurement::name).collect();
    let mut fields = object(json!({ "ok": true, "features": offered }));
    for name in ["ECG", "PPG", "ACC", "PPI", "GYRO", "MAG"] {
        fields.insert(name.to_lowercase(), json!(offered.contains(&name)));
    }
    fields
}

fn delta_blocks(params: &Value, bytes: &[u8]) -> Result<Fields, String> {
    let number = |key: &str| params[key].as_u64().unwrap_or_default() as usize;
    let shape = Shape {
        channels: number("channels"),
        bytes: number("res").div_ceil(8),
    };
    if shape.channels == 0 || !(1..=4).contains(&shape.bytes) {
        return Err("the vector's channels or resolution are impossible".to_owned());
    }
    let mut values = Vec::new();
    parsed(delta::decompress(bytes, shape, &mut values))?;
    let signed = |v: i32| json!(v);
    let mut fields = summary(&values, shape.channels, signed);
    if params["unsigned"].as_bool() == Some(true) {
        // The vendor's test states its first samples without sign.
        let unsigned = |v: i32| json!(v.cast_unsigned());
        for (i, name) in ["s0", "s1", "s2"].into_iter().enumerate() {
            insert_sample(
                &mut fields,
                name,
                values.chunks(shape.channels).nth(i),
                unsigned,
            );
        }
    }
    let blocks = parsed(delta::blocks(bytes, shape))?;
    fields.insert("blocks".to_owned(), json!(blocks));
    Ok(fields)
}

fn frame(params: &Value, bytes: &[u8]) -> Result<Fields, String> {
    let frame = parsed(Frame::parse(bytes))?;
    let mut values = Vec::new();
    let rest = parsed(frame.samples(&mut values))?;
    let factor = (params["raw"].as_bool() != Some(true))
        .then(|| params["factor"].as_f64())
        .flatten();
    let channels = frame.channels();
    let convert = |v: i32| in_vector_units(&frame, factor, v);
    let mut fields = summary(&values, channels, convert);
    if frame.layout.number == Number::MilliWithStatus {
        status_stays_whole(&mut fields, &values, channels);
    }
    fields.extend(object(json!({
        "type": frame.measurement.name(),
        "compressed": frame.compressed,
        "frame_type": frame.frame_type,
        "ts": frame.timestamp_ns,
        "timestamp_ns": frame.timestamp_ns,
        "rest": rest,
        "values": values,
        "n_samples": values.len() / channels,
    })));
    if frame.compressed {
        let blocks = parsed(delta::blocks(frame.data, frame.layout.shape))?;
        fields.insert("blocks".to_owned(), json!(blocks));
    }
    Ok(fields)
}

/// A value as the vectors state it: acceleration in mG cut to whole ones, the rest as the device counts.
fn in_vector_units(frame: &Frame, factor: Option<f64>, value: i32) -> Value {
    match (frame.layout.number, factor) {
        (Number::Float, _) => {
            json!(f64::from(f32::from_bits(value.cast_unsigned())) * factor.unwrap_or(1.0))
        }
        (Number::Scaled, Some(_)) if frame.measurement == Measurement::Acc => {
            json!((f64::from(value) * unit_factor(frame, factor, 1.0) * 1000.0) as i64)
        }
        (Number::MilliWithStatus, _) | (Number::Scaled, Some(_)) => {
            json!(f64::from(value) * unit_factor(frame, factor, 1.0))
        }
        _ => json!(value),
    }
}

/// Number of samples, the first three, the last, and the sum of each channel.
fn summary(values: &[i32], channels: usize, convert: impl Fn(i32) -> Value + Copy) -> Fields {
    let samples = || values.chunks(channels);
    let mut fields = Map::new();
    fields.insert("count".to_owned(), json!(samples().len()));
    for (i, name) in ["s0", "s1", "s2"].into_iter().enumerate() {
        insert_sample(&mut fields, name, samples().nth(i), convert);
    }
    insert_sample(&mut fields, "last", samples().last(), convert);
    let sum = |channel: usize| -> Value {
        let column = samples()
            .filter_map(|s| s.get(channel))
            .map(|v| convert(*v));
        add(column)
    };
    let sums: Vec<Value> = (0..channels).map(sum).collect();
    fields.insert("sum".to_owned(), json!(sums));
    fields
}

fn add(column: impl Iterator<Item = Value> + Clone) -> Value {
    if column.clone().all(|v| v.is_i64()) {
        json!(column.filter_map(|v| v.as_i64()).sum::<i64>())
    } else {
        json!(column.filter_map(|v| v.as_f64()).sum::<f64>())
    }
}

fn insert_sample(
    fields: &mut Fields,
    name: &str,
    sample: Option<&[i32]>,
    convert: impl Fn(i32) -> Value,
) {
    if let Some(sample) = sample {
        let values: Vec<Value> = sample.iter().map(|v| convert(*v)).collect();
        fields.insert(name.to_owned(), Value::Array(values));
    }
}

/// The last channel of calibrated magnetic samples is a status, not a field.
fn status_stays_whole(fields: &mut Fields, values: &[i32], channels: usize) {
    let raw = summary(values, channels, |v| json!(v));
    for (name, value) in fields.iter_mut() {
        let status = raw
            .get(name)
            .and_then(Value::as_array)
            .and_then(|s| s.last());
        let last = value.as_array_mut().and_then(|s| s.last_mut());
        if let (Some(status), Some(last)) = (status, last) {
            *last = status.clone();
        }
    }
}
