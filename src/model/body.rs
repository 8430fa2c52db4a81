//! Body segments and sides. A side is never defaulted: it is part of the segment's name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Left or right of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The client's left.
    Left,
    /// The client's right.
    Right,
}

macro_rules! segments {
    ($($variant:ident = $text:literal, $side:expr;)*) => {
        /// Where a sensor is worn.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Segment {
            $(#[doc = $text] #[serde(rename = $text)] $variant,)*
        }

        impl Segment {
            /// Every segment, in order from the pelvis outward.
            pub const ALL: &'static [Segment] = &[$(Segment::$variant,)*];

            /// The name used in files and topics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Segment::$variant => $text,)* }
            }

            /// The client's side, `None` for the midline, for equipment, and where nobody has said.
            #[must_use]
            pub const fn side(self) -> Option<Side> {
                match self { $(Segment::$variant => $side,)* }
            }
        }
    };
}

segments! {
    Pelvis = "pelvis", None;
    Lumbar = "lumbar", None;
    Thorax = "thorax", None;
    Head = "head", None;
    ThighL = "thigh_l", Some(Side::Left);
    ThighR = "thigh_r", Some(Side::Right);
    ShankL = "shank_l", Some(Side::Left);
    ShankR = "shank_r", Some(Side::Right);
    FootL = "foot_l", Some(Side::Left);
    FootR = "foot_r", Some(Side::Right);
    ScapulaL = "scapula_l", Some(Side::Left);
    ScapulaR = "scapula_r", Some(Side::Right);
    ShoulderL = "shoulder_l", Some(Side::Left);
    ShoulderR = "shoulder_r", Some(Side::Right);
    UpperArmL = "upper_arm_l", Some(Side::Left);
    UpperArmR = "upper_arm_r", Some(Side::Right);
    ForearmL = "forearm_l", Some(Side::Left);
    ForearmR = "forearm_r", Some(Side::Right);
    Equipment = "equipment", None;
    Chest = "chest", None;
    Rig1 = "seg1", None;
    Rig2 = "seg2", None;
    Rig3 = "seg3", None;
    Rig4 = "seg4", None;
    Rig5 = "seg5", None;
    Unplaced = "unplaced", None;
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no body segment is called {0:?} (expected one of pelvis, lumbar, thorax, thigh_l, thigh_r, shank_l, ...)"
)]
pub struct UnknownSegment(pub String);

impl FromStr for Segment {
    type Err = UnknownSegment;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Segment::ALL
            .iter()
            .copied()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| UnknownSegment(text.to_owned()))
    }
}
