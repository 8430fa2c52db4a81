//! The angle between two sensors on both sides of a hinge, in any pose, by acceleration and angular rate alone.
//! rad, rad/s, s; axes in sensor coordinates.
//!
//! For joints whose axis is far from horizontal, where the difference of inclinations says nothing. Nothing has
//! to be known beforehand: not how the sensors sit, and no heading.
//!
//! | file | what |
//! |---|---|
//! | `axis` | the hinge's axis in both sensors, from any movement |
//! | `filter` | the angle: rates about the axis, drift taken out by gravity; streaming and after the set |
//! | `course` | the angle over a recording of two sensors |

mod axis;
mod course;
mod filter;

pub use axis::Hinge;
pub(super) use course::pairs;
pub use course::{Course, of_sensors};
pub use filter::{Filter, smoothed};

use crate::model::frame::Vec3;

/// Both sensors at one instant; proximal first.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Time, s.
    pub t_s: f64,
    /// "Up" in each sensor, unit length.
    pub up: [Vec3; 2],
    /// Angular rate of each without bias, rad/s.
    pub rate: [Vec3; 2],
}

/// Two unit vectors that stand on `axis` and on each other.
fn across(axis: Vec3) -> (Vec3, Vec3) {
    let helper = if axis.x.abs() < 0.6 {
        Vec3::x()
    } else {
        Vec3::y()
    };
    let first = axis.cross(&helper).normalize();
    (first, axis.cross(&first))
}
