//! Scores the decoders against published wire vectors (hex bytes with the values they must give).
//!
//! Every field that a vector's `expected` or `derived` part states is compared; a field that this file
//! does not know counts as wrong, so nothing is passed by silence. Vectors of other device families
//! are counted apart. Units are those of the vectors (g, mG, deg/s, µV, 1/1024 s).

mod motion;
mod polar;

use crate::{
    decode::{cadence, heart_rate, witmotion},
    model::reading::Contact,
};
use serde_json::{Map, Value, json};

/// How one vector came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorScore {
    /// The vector's id.
    pub id: String,
    /// Its device family.
    pub device: String,
    /// All stated fields came out as stated.
    pub ok: bool,
    /// What did not, or why it could not be compared.
    pub detail: String,
    /// The family is decoded.
    pub supported: bool,
}

/// The families that are decoded.
const SUPPORTED: [&str; 12] = [
    "hrs",
    "bas",
    "polar",
    "witmotion",
    "dot",
    "metawear",
    "movesense",
    "thingy52",
    "colmi",
    "csc",
    "rsc",
    "cps",
];

/// Numbers agree within this share of themselves unless the vector says otherwise.
const RELATIVE_TOLERANCE: f64 = 1e-9;

/// Scores every vector of a file.
///
/// # Errors
/// If the text is no JSON list of vectors.
pub fn score(json_text: &str) -> Result<Vec<VectorScore>, String> {
    let vectors: Vec<Value> =
        serde_json::from_str(json_text).map_err(|e| format!("the text is no list: {e}"))?;
    Ok(vectors.iter().map(score_one).collect())
}

fn score_one(vector: &Value) -> VectorScore {
    let text = |key: &str| vector[key].as_str().unwrap_or_default().to_owned();
    let device = text("device");
    let supported = SUPPORTED.contains(&device.as_str());
    let problems = if supported {
        compare(vector)
    } else {
        vec!["this family is not decoded".to_owned()]
    };
    VectorScore {
        id: text("id"),
        device,
        ok: supported && problems.is_empty(),
        detail: problems.join("; "),
        supported,
    }
}

/// What a decoder says about a vector: field by field, in the vector's words.
type Fields = Map<String, Value>;

fn compare(vector: &Value) -> Vec<String> {
    let bytes = match hex(vector["hex"].as_str().unwrap_or_default()) {
        Ok(bytes) => bytes,
        Err(problem) => return vec![problem],
    };
    let decoded = match vector["device"].as_str() {
        Some("hrs") => heart_rate_fields(&bytes),
        Some("bas") => battery_fields(&bytes),
        Some("witmotion") => witmotion_fields(&bytes),
        Some("dot") => motion::dot(vector, &bytes),
        Some("metawear") => motion::metamotion(&vector["params"], &bytes),
        Some("movesense") => motion::movesense(&vector["params"], &bytes),
        Some("thingy52") => motion::thingy(&bytes),
        Some("colmi") => motion::colmi(&bytes),
        Some("csc") => motion::cadence(cadence::CYCLING, &bytes),
        Some("rsc") => motion::cadence(cadence::RUNNING, &bytes),
        Some("cps") => motion::cadence(cadence::POWER, &bytes),
        _ => polar::fields(vector, &bytes),
    };
    match decoded {
        Ok(decoded) => stated(vector)
            .filter_map(|(key, want)| mismatch(vector, key, want, decoded.get(key)))
            .collect(),
        Err(problem) => vec![problem],
    }
}

/// Every field the vector states, with what it states.
fn stated(vector: &Value) -> impl Iterator<Item = (&str, &Value)> {
    const BESIDE: [&str; 2] = ["timestamp_ns", "n_samples"];
    let parts = ["expected", "derived"];
    parts
        .into_iter()
        .filter_map(|part| vector[part].as_object())
        .flatten()
        .map(|(key, want)| (key.as_str(), want))
        .chain(
            BESIDE
                .into_iter()
                .filter_map(|key| Some((key, vector.get(key)?))),
        )
}

fn mismatch(vector: &Value, key: &str, want: &Value, got: Option<&Value>) -> Option<String> {
    let Some(got) = got else {
        return Some(format!("{key}: nothing decoded, expected {want}"));
    };
    let tolerance = tolerance(vector, key);
    (!agree(want, got, tolerance)).then(|| format!("{key}: got {got}, expected {want}"))
}

/// Absolute tolerance of a field. Vectors that were printed rounded are compared as rounded.
fn tolerance(vector: &Value, key: &str) -> f64 {
    if let Some(tolerance) = vector["tol"].as_f64() {
        return tolerance;
    }
    let id = vector["id"].as_str().unwrap_or_default();
    let rounded_here = vector["derived"].get(key).is_some();
    match key {
        // The vendor's tests and one forum post state whole milliseconds.
        "rr_ms" if id.starts_with("hrs-") => 1.0,
        "rr_ms" | "roll_deg" | "gyro_dps" if rounded_here => 0.000_501,
        "acc_g" if rounded_here => 0.000_051,
        _ => 0.0,
    }
}

/// Equal up to `tolerance`; numbers without one up to rounding of the last binary digits.
fn agree(want: &Value, got: &Value, tolerance: f64) -> bool {
    match (want, got) {
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(w, g)| agree(w, g, tolerance))
        }
        (Value::Object(want), Value::Object(got)) => want
            .iter()
            .all(|(key, w)| got.get(key).is_some_and(|g| agree(w, g, tolerance))),
        (Value::Number(w), Value::Number(g)) => match (w.as_i64(), g.as_i64()) {
            (Some(w), Some(g)) if tolerance == 0.0 => w == g,
            _ => close(w.as_f64(), g.as_f64(), tolerance),
        },
        _ => want == got,
    }
}

fn close(want: Option<f64>, got: Option<f64>, tolerance: f64) -> bool {
    let (Some(want), Some(got)) = (want, got) else {
        return false;
    };
    (want - got).abs() <= tolerance.max(RELATIVE_TOLERANCE * want.abs().max(1.0))
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err("the bytes are no pairs of hexadecimal digits".to_owned());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16))
        .collect::<Result<_, _>>()
        .map_err(|e| format!("the bytes are no hexadecimal digits: {e}"))
}

fn object(fields: Value) -> Fields {
    match fields {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

fn heart_rate_fields(bytes: &[u8]) -> Result<Fields, String> {
    let value = heart_rate::Measurement::parse(bytes).map_err(|e| e.to_string())?;
    let ticks: Vec<u16> = value.rr_ticks().collect();
    let ms: Vec<f64> = ticks.iter().map(|t| f64::from(*t) / 1.024).collect();
    Ok(object(json!({
        "bpm": value.bpm,
        "contact": match value.contact {
            Contact::Unknown => None,
            Contact::Lost => Some(false),
            Contact::Good => Some(true),
        },
        "energy_kj": value.energy_kj,
        "rr_1024": ticks,
        "rr_ms": ms,
    })))
}

fn battery_fields(bytes: &[u8]) -> Result<Fields, String> {
    let percent = heart_rate::battery(bytes).map_err(|e| e.to_string())?;
    Ok(object(json!({ "value": percent })))
}

fn witmotion_fields(bytes: &[u8]) -> Result<Fields, String> {
    Ok(object(
        match witmotion::Frame::parse(bytes).map_err(|e| e.to_string())? {
            witmotion::Frame::Motion(motion) => json!({
                "acc_g": motion.acceleration_g(),
                "gyro_dps": motion.angular_rate_dps(),
                "roll_deg": motion.angle_deg(0),
                "angle_x_deg": motion.angle_deg(0),
            }),
            witmotion::Frame::Registers { start, values } => {
                json!({ "reg": start, "regs": values })
            }
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_and_an_unknown_field_are_found() {
        let text = r#"[
            {"id":"a","device":"hrs","hex":"0050","expected":{"bpm":81}},
            {"id":"b","device":"hrs","hex":"0050","expected":{"mood":1}},
            {"id":"c","device":"hrs","hex":"0050","expected":{"bpm":80,"rr_1024":[]}},
            {"id":"d","device":"abacus","hex":"00","expected":{}},
            {"id":"e","device":"hrs","hex":"0","expected":{}}
        ]"#;
        let scores = score(text).unwrap();
        let ok: Vec<bool> = scores.iter().map(|s| s.ok).collect();
        assert_eq!(ok, [false, false, true, false, false]);
        assert!(!scores[3].supported);
    }

    #[test]
    fn integers_beyond_53_bits_are_compared_exactly() {
        let want = json!(599_618_164_814_402_794_i64);
        assert!(!agree(&want, &json!(599_618_164_814_402_795_i64), 0.0));
        assert!(agree(&want, &want, 0.0));
    }
}
