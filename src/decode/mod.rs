//! Bytes of a sensor family to readings in SI units: one table of drivers, one file a family.
