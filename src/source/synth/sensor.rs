//! A movement sensor on a segment: what it feels, with its faults, as the raw bytes of its family.

use super::person::Body;
use crate::{
    decode::witmotion,
    model::{
        body::Segment,
        frame::Vec3,
        packet::{DeviceIndex, Packet},
        time::HostNs,
        units::STANDARD_GRAVITY,
    },
    wire::recording::Item,
};
use nalgebra::UnitQuaternion;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// A sensor and its faults.
#[derive(Debug, Clone)]
pub struct SensorModel {
    /// Where it is worn.
    pub segment: Segment,
    /// Configured rate, Hz.
    pub nominal_hz: f64,
    /// True rate over configured rate.
    pub rate_error: f64,
    /// How it is strapped on: Euler angles, deg; segment axes from sensor axes.
    pub mounting_deg: [f64; 3],
    /// Rate bias, deg/s.
    pub gyro_bias_deg_s: [f64; 3],
    /// Rate noise per sample, deg/s.
    pub gyro_noise_deg_s: f64,
    /// Acceleration bias, m/s².
    pub acceleration_bias: [f64; 3],
    /// Acceleration scale.
    pub acceleration_scale: f64,
    /// Acceleration noise per sample, m/s².
    pub acceleration_noise: f64,
    /// Times without any packet, s.
    pub silent_s: Vec<(f64, f64)>,
}

impl SensorModel {
    /// An ordinary consumer sensor on `segment`, its faults drawn from `rng`.
    pub(super) fn on(segment: Segment, nominal_hz: f64, rng: &mut ChaCha8Rng) -> Self {
        let mut around = |width: f64| rng.random_range(-width..=width);
        Self {
            segment,
            nominal_hz,
            rate_error: 1.0 + around(0.004),
            mounting_deg: [around(180.0), around(80.0), around(180.0)],
            gyro_bias_deg_s: [around(0.8), around(0.8), around(0.8)],
            gyro_noise_deg_s: 0.12,
            acceleration_bias: [around(0.05), around(0.05), around(0.05)],
            acceleration_scale: 1.0 + around(0.01),
            acceleration_noise: 0.03,
            silent_s: Vec::new(),
        }
    }

    fn segment_from_sensor(&self) -> UnitQuaternion<f64> {
        let [roll, pitch, yaw] = self.mounting_deg.map(f64::to_radians);
        UnitQuaternion::from_euler_angles(roll, pitch, yaw)
    }

    /// Specific force (m/s²) and angular rate (rad/s) in sensor axes, without faults.
    pub(super) fn ideal(&self, body: &Body, t: f64) -> (Vec3, Vec3) {
        const STEP_S: f64 = 4e-3;
        let pose = |t: f64| body.pose(self.segment, t);
        let (before, here, after) = (pose(t - STEP_S), pose(t), pose(t + STEP_S));
        let earth_from_sensor = here.earth_from_segment * self.segment_from_sensor();
        let acceleration =
            (after.position_m - 2.0 * here.position_m + before.position_m) / (STEP_S * STEP_S);
        let force = earth_from_sensor
            .inverse_transform_vector(&(acceleration + Vec3::z() * STANDARD_GRAVITY));
        let turn = before.earth_from_segment.inverse() * after.earth_from_segment;
        let rate_segment = turn.scaled_axis() / (2.0 * STEP_S);
        (
            force,
            self.segment_from_sensor()
                .inverse_transform_vector(&rate_segment),
        )
    }

    /// All packets of a session of `duration_s` that begins at host time 0.
    pub(super) fn packets(
        &self,
        device: DeviceIndex,
        body: &Body,
        duration_s: f64,
        seed: u64,
    ) -> Vec<Item> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let hz = self.nominal_hz * self.rate_error;
        let (mut items, mut bytes, mut arrival_s) = (Vec::new(), Vec::new(), 0.0_f64);
        let mut in_packet = 2;
        for k in 0..(duration_s * hz) as u64 {
            let t = (k as f64 + 0.5) / hz;
            bytes.extend(self.frame(body, t, &mut rng));
            in_packet -= 1;
            if in_packet > 0 {
                continue;
            }
            in_packet = rng.random_range(1..=3);
            let stall = if rng.random::<f64>() < 0.002 {
                0.3
            } else {
                0.0
            };
            // Notifications never overtake each other.
            arrival_s = (t + rng.random_range(0.005..0.030) + stall).max(arrival_s + 1e-4);
            let full = std::mem::take(&mut bytes);
            if self
                .silent_s
                .iter()
                .any(|(from, to)| (*from..*to).contains(&t))
            {
                continue;
            }
            items.push(Item::Packet(Packet {
                device,
                characteristic: witmotion::NOTIFY,
                host: HostNs((arrival_s * 1e9) as i64),
                bytes: full.into(),
            }));
        }
        items
    }

    /// One `55 61` frame; the angles stay 0: nothing here uses them.
    fn frame(&self, body: &Body, t: f64, rng: &mut ChaCha8Rng) -> [u8; 20] {
        let (force, rate) = self.ideal(body, t);
        let mut noise = |sd: f64| Normal::new(0.0, sd).map_or(0.0, |n| n.sample(rng));
        let mut frame = [0_u8; 20];
        frame[..2].copy_from_slice(&[0x55, 0x61]);
        for axis in 0..3 {
            let a = force[axis] * self.acceleration_scale
                + self.acceleration_bias[axis]
                + noise(self.acceleration_noise);
            let w =
                rate[axis].to_degrees() + self.gyro_bias_deg_s[axis] + noise(self.gyro_noise_deg_s);
            // `as` saturates at the end of the range, as the sensor does.
            let raw_a = (a / (16.0 * STANDARD_GRAVITY) * 32768.0).round() as i16;
            let raw_w = (w / 2000.0 * 32768.0).round() as i16;
            frame[2 + 2 * axis..4 + 2 * axis].copy_from_slice(&raw_a.to_le_bytes());
            frame[8 + 2 * axis..10 + 2 * axis].copy_from_slice(&raw_w.to_le_bytes());
        }
        frame
    }
}
