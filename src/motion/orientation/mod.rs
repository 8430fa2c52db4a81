//! Where "up" is in a sensor, from acceleration (m/s²) and angular rate (rad/s). f64.
//!
//! | file | what |
//! |---|---|
//! | `vqf`, `low_pass` | the filter (VQF 6D) |
//! | `live` | one worn sensor, sample by sample |
//! | `offline` | the filter without delay |
//! | `pass` | the pass after the set: pieces, gaps, vertical acceleration |
//! | `guard` | true rate, ends of the sensor's range, gaps |
//!
//! No magnetometer: a gym is full of steel. Heading is not estimated anywhere: nothing here may depend on it.

mod guard;
mod live;
mod low_pass;
mod offline;
mod pass;
mod vqf;

pub use super::record::Sensing;
pub use live::Tracker;
pub use offline::{Step, Stretch, attitudes};
pub use pass::{Level, Moment, levels};
pub use vqf::{Params, Vqf};

pub(super) use pass::{rate_of, smooth};

/// Gap after which the orientation starts anew, s.
pub(super) const RESTART_GAP_S: f64 = 0.5;
/// Cut-off for sensors without gyroscope, where acceleration alone shows the tilt, Hz.
const ACC_ONLY_CUT_HZ: f64 = 1.5;
