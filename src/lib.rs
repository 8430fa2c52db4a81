//! Plimsoll: how far a client under a physiotherapist's care may be loaded.

pub mod model;

pub mod align;
pub mod decode;
pub mod history;
pub mod motion;
pub mod pipeline;
pub mod report;
pub mod rules;
pub mod wire;

pub mod cli;
pub mod config;
pub mod daemon;
pub mod mqtt;
pub mod source;
pub mod store;
pub mod web;
