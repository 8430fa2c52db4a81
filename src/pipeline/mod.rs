//! The stages joined: packets to windows, windows to repetitions and findings.
//!
//! | file | what |
//! |---|---|
//! | [`ingest`] | packets to windows: decode and align per device |
//! | [`delivery`] | which window goes to the bus next |
//! | [`assemble`] | messages of the bus back to windows |
//! | [`analysis`] | windows to events: motion and rules |
//! | [`batch`] | the same over a whole recording |
//! | [`evidence`] | samples to the numbers a finding rests on |

pub mod analysis;
pub mod assemble;
pub mod batch;
pub mod delivery;
pub mod evidence;
pub mod ingest;
mod live;
