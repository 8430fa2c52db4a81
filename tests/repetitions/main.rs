//! Repetitions of computed movements whose number, turns and ranges are known exactly, through the engine.
//!
//! | file | what |
//! |---|---|
//! | `computed` | header of a computed session |
//! | `body` | movements and the sensors on them |
//! | `session` | a set through the engine, window by window |
//! | `sets` | the kinds of sets that must be counted |
//! | `gate` | what must not be counted |
//! | `live` | what is said while the set runs, and how soon |
//! | `polarity` | gyroscopes that count the other way round |
//! | `properties` | what may not change the result |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

mod body;
#[path = "../computed/mod.rs"]
mod computed;
mod gate;
mod live;
mod polarity;
mod properties;
mod session;
mod sets;
