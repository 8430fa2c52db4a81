//! Samples to repetitions: orientation, calibration, joint angles, segmentation, tempo, effort.
//!
//! ```text
//! Sample -> sensor (orientation, still, rows) -> live (frames, track, count) -> Rep provisional, confirmed
//!                                 at the set's end -> post (series, count)   -> Rep final, retracted, Set
//! ```
//! | file | what |
//! |---|---|
//! | `engine`, `running` | the facade: samples, commands and ticks in, events out; the set that runs |
//! | `sensor`, `polarity`, `record` | one worn sensor and the rows of the running set |
//! | `orientation` | "up" in the sensor, live and after the set |
//! | `still`, `calibrate`, `movement` | the calibration that a trainer makes |
//! | `skew` | how far apart in time two sensors are, as that movement shows |
//! | `calibration`, `anatomy`, `pose`, `zero` | from a sensor to a body segment |
//! | `channel`, `series`, `segment`, `bout`, `count` | what is counted on, and how |
//! | `hinge` | the angle between two sensors on a hinge, in any pose |
//! | `frames`, `track`, `live` | the running set |
//! | `post` | the pass after it |
//! | `tempo`, `velocity`, `measure` | what is said of a repetition |
//! | [`heart`] | what is said of the heart |
//!
//! Units: m/s², rad/s and seconds inside, degrees where a joint angle is meant. No heading is ever estimated.

mod anatomy;
mod bout;
mod calibrate;
mod calibration;
mod channel;
mod count;
mod engine;
mod filter;
mod frames;
pub mod heart;
pub mod hinge;
mod live;
mod measure;
mod movement;
pub mod orientation;
mod params;
mod polarity;
mod pose;
mod post;
mod record;
mod running;
mod segment;
mod sensor;
mod series;
mod skew;
mod still;
mod tempo;
mod track;
mod velocity;
mod zero;

pub use engine::{Engine, MotionEvent};
pub use measure::measurable;
pub use params::Params;
