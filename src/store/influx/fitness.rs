//! Whether a server can keep samples for as long as they are to be kept.

use super::{super::retain::Retention, server::Dialect};

const DAY_S: u64 = 86_400;

/// A server that was asked whether it can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitness {
    /// What it is.
    pub dialect: Dialect,
    /// How long it keeps points.
    pub keeps: Keeps,
}

/// How long a server keeps points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// For ever.
    Always,
    /// So long, s.
    For(u64),
    /// It does not say.
    Unknown,
}

impl Fitness {
    /// That samples may be forgotten there earlier than `retention` asks for, in words.
    #[must_use]
    pub fn forgets(&self, retention: &Retention) -> Option<String> {
        let wanted_s = retention.raw_days.map(|days| u64::from(days.get()) * DAY_S);
        match self.keeps {
            Keeps::For(s) if wanted_s.is_none_or(|wanted| s < wanted) => Some(format!(
                "forgets samples after {} days, which is less than store.retention.raw_days asks for",
                s / DAY_S
            )),
            Keeps::Unknown => Some("does not say how long it keeps samples".to_owned()),
            _ => None,
        }
    }
}

/// How long a `VictoriaMetrics` keeps points: a flag it was started with, among what it tells of itself. A number without
/// a unit means months of 31 days.
pub(super) fn keeps(metrics: &str) -> Keeps {
    let flag = metrics
        .lines()
        .find_map(|l| l.strip_prefix("flag{name=\"retentionPeriod\", value=\""))
        .and_then(|rest| rest.split('"').next());
    let Some(period) = flag else {
        return Keeps::Unknown;
    };
    let digits = period.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_s = match &period[digits.len()..] {
        "h" => DAY_S / 24,
        "d" => DAY_S,
        "w" => 7 * DAY_S,
        "" => 31 * DAY_S,
        "y" => 365 * DAY_S,
        _ => return Keeps::Unknown,
    };
    match digits.parse::<f64>().map(|n| (n * unit_s as f64) as u64) {
        // No longer time can be named.
        Ok(s) if s >= 100 * 365 * DAY_S => Keeps::Always,
        Ok(s) => Keeps::For(s),
        Err(_) => Keeps::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_victoriametrics_keeps_is_the_flag_it_was_started_with() {
        let said = |value: &str| {
            format!(
                "vm_rows 1\nflag{{name=\"retentionPeriod\", value=\"{value}\", is_set=\"false\"}} 1\n"
            )
        };
        assert_eq!(keeps(&said("1")), Keeps::For(31 * DAY_S));
        assert_eq!(keeps(&said("100y")), Keeps::Always);
        assert_eq!(keeps(&said("1.5d")), Keeps::For(DAY_S * 3 / 2));
        assert_eq!(keeps(&said("12h")), Keeps::For(DAY_S / 2));
        assert_eq!(keeps(&said("for ever")), Keeps::Unknown);
        assert_eq!(keeps("vm_rows 1\n"), Keeps::Unknown);
    }

    #[test]
    fn without_a_number_of_days_only_for_ever_is_long_enough() {
        let fitness = |keeps| Fitness {
            dialect: Dialect::VictoriaMetrics,
            keeps,
        };
        let (all, month) = (Retention::default(), Keeps::For(31 * DAY_S));
        assert_eq!(fitness(Keeps::Always).forgets(&all), None);
        assert!(
            fitness(month)
                .forgets(&all)
                .unwrap()
                .contains("after 31 days")
        );
        assert!(fitness(Keeps::Unknown).forgets(&all).is_some());
        let days = Retention {
            raw_days: std::num::NonZeroU32::new(30),
            ..all
        };
        assert_eq!(fitness(month).forgets(&days), None);
    }
}
