//! What is known against the data: losses, refused calibrations, reasons for missing values. Every
//! technical event appears, merged by sensor.

use super::{
    facts::{Quality, SensorRow},
    gather::Gathered,
    words,
};
use crate::model::{
    event::{Event, Numbered},
    packet::DeviceIndex,
    rep::Missing,
    session::{SessionHeader, TechEvent, TechKind},
};

/// The state of the data of a session.
pub(super) fn of(header: &SessionHeader, events: &[Numbered], all: &Gathered) -> Quality {
    let mut quality = Quality {
        sensors: header
            .clone()
            .as_worn(events)
            .sensors
            .iter()
            .map(sensor)
            .collect(),
        reasons: reasons(all),
        remarks: off_calibration(all).into_iter().collect(),
    };
    for numbered in events {
        match &numbered.event {
            Event::Tech(tech) => note(&mut quality, tech),
            Event::Calibration(c) => {
                if let Some(row) = row(&mut quality, c.device) {
                    // The last try decides.
                    row.calibrated = Some(c.accepted);
                    if let Some(reason) = &c.reason {
                        add(&mut row.remarks, format!("calibration refused: {reason}"));
                    }
                }
            }
            _ => {}
        }
    }
    quality
}

fn sensor(s: &crate::model::session::Sensor) -> SensorRow {
    SensorRow {
        name: s.alias.clone(),
        segment: s.segment.as_str().to_owned(),
        confirmed_by: s.confirmed_by.clone(),
        calibrated: None,
        losses: 0,
        lost_s: 0.0,
        undecodable: 0,
        late_samples: 0,
        remarks: Vec::new(),
    }
}

fn row(quality: &mut Quality, device: DeviceIndex) -> Option<&mut SensorRow> {
    quality.sensors.get_mut(usize::from(device.0))
}

fn add(remarks: &mut Vec<String>, remark: String) {
    if !remarks.contains(&remark) {
        remarks.push(remark);
    }
}

fn note(quality: &mut Quality, tech: &TechEvent) {
    let device = match &tech.kind {
        TechKind::SensorLost { stream, .. }
        | TechKind::SensorBack { stream, .. }
        | TechKind::Late { stream, .. } => Some(stream.device),
        _ => tech.device,
    };
    let said = describe(&tech.kind, &quality.sensors);
    match device.and_then(|d| row(quality, d)) {
        Some(row) => note_sensor(row, &tech.kind, said),
        // No sensor in particular, or one that the header does not name: never silent.
        None => add(&mut quality.remarks, said),
    }
}

fn note_sensor(row: &mut SensorRow, kind: &TechKind, said: String) {
    match kind {
        TechKind::SensorLost { .. } => row.losses += 1,
        TechKind::SensorBack { gap_s, .. } => row.lost_s += gap_s,
        TechKind::Undecodable { packets, .. } => row.undecodable += packets,
        TechKind::Late { count, .. } => row.late_samples += u64::from(*count),
        TechKind::LinkUp => {}
        _ => add(&mut row.remarks, said),
    }
}

fn describe(kind: &TechKind, sensors: &[SensorRow]) -> String {
    let name = |device: &DeviceIndex| {
        let row = sensors.get(usize::from(device.0));
        row.map_or_else(|| format!("sensor {}", device.0), |r| r.name.clone())
    };
    match kind {
        TechKind::SensorLost { silent_s, .. } => format!("a sensor silent for {silent_s:.1} s"),
        TechKind::SensorBack { gap_s, .. } => format!("a sensor back after {gap_s:.1} s"),
        TechKind::Undecodable { packets, reason } => {
            format!("{packets} packets not decodable ({reason})")
        }
        TechKind::ClockReset { step_s } => format!("clock anchored anew, step {step_s:.2} s"),
        TechKind::WindowLost { index } => format!("window {index} lost on the way"),
        TechKind::Late { count, .. } => format!("{count} samples too late to be judged"),
        TechKind::LinkUp => "connected".to_owned(),
        TechKind::LinkDown { reason } => format!("connection lost: {reason}"),
        TechKind::PacketsLost { packets } => {
            format!("{packets} packets lost before they could be recorded")
        }
        TechKind::WentWithout {
            segment,
            accepted_by,
        } => format!("{accepted_by} went on without the sensor on {segment}"),
        TechKind::WentUnmeasured { accepted_by } => {
            format!("{accepted_by} went on without sensors for some of what the plan asks")
        }
        TechKind::Placed {
            segment,
            before,
            confirmed_by,
        } => format!("{confirmed_by} saw it on {segment} (said before: {before})"),
        TechKind::AssignmentRefused { reason } => format!("assignment refused: {reason}"),
        TechKind::BatteryLow { percent } => format!("battery at {percent} %"),
        TechKind::CalibrationRefused { reason } => format!("calibration refused: {reason}"),
        TechKind::SensorsExchanged { segment, with } => {
            format!("{segment} moved as {with} should: are the two sensors exchanged?")
        }
        TechKind::Skew {
            with,
            lag_s,
            error_s,
            exceeded,
        } => {
            let (lag_ms, error_ms) = (1e3 * lag_s, 1e3 * error_s);
            let words = format!("{lag_ms:.0} ms (± {error_ms:.0}) behind {}", name(with));
            if *exceeded {
                format!("{words}: what both measure together has no data")
            } else {
                words
            }
        }
        TechKind::SkewUnknown { with, reason } => {
            format!("not known how far behind {}: {reason}", name(with))
        }
        TechKind::SensorSlipped { drift_deg } => {
            let drift = words::quantity(Some(*drift_deg), None, "deg");
            format!("moved against the body by {drift}")
        }
        TechKind::GyroscopeReversed { .. } => {
            "its gyroscope counts the other way round, corrected".to_owned()
        }
    }
}

/// One line a sensor that has something against it, then what concerns all.
pub(super) fn remarks(quality: &Quality) -> Vec<String> {
    let mut lines: Vec<String> = quality
        .sensors
        .iter()
        .map(|s| (s, sensor_remarks(s)))
        .filter(|(_, said)| !said.is_empty())
        .map(|(s, said)| format!("{} ({}): {}", s.name, s.segment, said.join(", ")))
        .collect();
    let reasons: Vec<String> = quality
        .reasons
        .iter()
        .map(|(why, n)| format!("{why} {n}x"))
        .collect();
    if !reasons.is_empty() {
        lines.push(format!("checks without data: {}", reasons.join(", ")));
    }
    lines.extend(quality.remarks.iter().cloned());
    lines
}

fn sensor_remarks(s: &SensorRow) -> Vec<String> {
    let mut said = Vec::new();
    if s.calibrated == Some(false) {
        said.push("calibration not accepted".to_owned());
    }
    if s.losses > 0 {
        said.push(format!(
            "lost {}x, {:.1} s without data",
            s.losses, s.lost_s
        ));
    }
    let counted = [
        (s.undecodable, "packets not decodable"),
        (s.late_samples, "samples too late"),
    ];
    let counted = counted.iter().filter(|(n, _)| *n > 0);
    said.extend(counted.map(|(n, what)| format!("{n} {what}")));
    said.extend(s.remarks.iter().cloned());
    said
}

/// Checks that were made on a sensor that sits off its calibration, if any.
fn off_calibration(all: &Gathered) -> Option<String> {
    let of_reps = all.sets.values().flat_map(|s| s.findings.iter());
    let n = of_reps
        .filter(|f| f.value.is_some() && f.missing == Some(Missing::Drifted))
        .count();
    (n > 0).then(|| format!("unsure because a sensor sits 5 to 10 deg off its calibration {n}x"))
}

fn reasons(all: &Gathered) -> Vec<(&'static str, u32)> {
    const ORDER: [Missing; 8] = [
        Missing::Gap,
        Missing::LostSamples,
        Missing::Clipped,
        Missing::NotCalibrated,
        Missing::Drifted,
        Missing::Skewed,
        Missing::Undefined,
        Missing::NoSensor,
    ];
    let of_reps = all.sets.values().flat_map(|s| s.findings.iter());
    let missing: Vec<Missing> = of_reps
        .chain(all.others.iter())
        .filter(|f| f.value.is_none())
        .filter_map(|f| f.missing)
        .collect();
    ORDER
        .iter()
        .map(|why| {
            let n = missing.iter().filter(|m| *m == why).count();
            (words::missing(*why), u32::try_from(n).unwrap_or(u32::MAX))
        })
        .filter(|(_, n)| *n > 0)
        .collect()
}
