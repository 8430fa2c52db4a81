//! Numbers that carry their unit in the type. SI and radians inside filters (plain `f64`, unit in the
//! name); these types wherever a value crosses a module.

use serde::{Deserialize, Serialize};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// UCUM symbol of the unit.
            pub const UNIT: &'static str = $symbol;
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $symbol))
            }
        }
    };
}

unit!(
    /// Angle as clinicians write it.
    Degrees,
    "deg"
);
unit!(
    /// Duration or instant in seconds.
    Seconds,
    "s"
);
unit!(
    /// Heart rate.
    Bpm,
    "/min"
);
unit!(
    /// Share of a hundred.
    Percent,
    "%"
);
unit!(
    /// External load.
    Kilograms,
    "kg"
);

/// Standard gravity in m/s², exact by definition (CGPM 1901).
pub const STANDARD_GRAVITY: f64 = 9.806_65;
