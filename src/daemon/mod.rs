//! Build, spawn, drain: the only place that asks for the time and starts tasks.
