//! The vocabulary: what travels on the arrows, and the words the clinic uses for it.
//!
//! Data only: no clock, no file, no wire format, no judgement. Everything else imports this module;
//! this module imports nothing of the crate.
//!
//! | file | nouns |
//! |---|---|
//! | [`units`] | numbers with a unit |
//! | [`time`] | the three clocks |
//! | [`frame`] | vectors and named rotations |
//! | [`body`] | segments and sides |
//! | [`packet`] | raw bytes from a sensor |
//! | [`reading`] | decoded values on the device's clock |
//! | [`sample`] | values on the session's clock, with quality |
//! | [`window`] | all samples of a tenth of a second, the unit of the bus |
//! | [`session`] | who, which sensors where, which plan |
//! | [`room`] | a disk that is short of it |
//! | [`placement`] | where sensors are worn, said while a session runs |
//! | [`command`] | what a person tells the daemon |
//! | [`metric`] | what is measured, in which unit, with how much trust |
//! | [`exercise`] | the exercise library |
//! | [`heart`] | how hard it worked, and why a figure is withheld |
//! | [`rep`] | a repetition, a set |
//! | [`plan`] | the therapist's loading limits |
//! | [`finding`] | a repetition judged against one number |
//! | [`event`] | what the analysis says, in order |
//! | [`evidence`] | the raw numbers behind a finding |

pub mod body;
pub mod command;
pub mod event;
pub mod evidence;
pub mod exercise;
pub mod finding;
pub mod frame;
pub mod heart;
pub mod link;
pub mod metric;
pub mod packet;
pub mod placement;
pub mod plan;
pub mod reading;
pub mod rep;
pub mod room;
pub mod sample;
pub mod session;
pub mod time;
pub mod units;
pub mod window;
