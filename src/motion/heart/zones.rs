//! Zones with hysteresis, so that a heart rate at a border does not flicker. Unit of the borders; s.

/// A border must be passed by so much, bpm ...
const MARGIN_BPM: f64 = 1.0;
/// ... for so long, s.
const DWELL_S: f64 = 3.0;

/// The zone now, of `N` borders in rising order (`N` + 1 zones, the lowest is 0). A border belongs to the zone
/// above it.
#[derive(Debug, Clone)]
pub(super) struct Zones<const N: usize> {
    borders_bpm: [f64; N],
    zone: Option<usize>,
    /// Outside the zone, and its margin, since; and on which side.
    left: Option<(f64, bool)>,
}

impl<const N: usize> Zones<N> {
    pub(super) fn new(borders_bpm: [f64; N]) -> Self {
        Self {
            borders_bpm,
            zone: None,
            left: None,
        }
    }

    /// Nothing is known for a while: the next value decides alone.
    pub(super) fn forget(&mut self) {
        (self.zone, self.left) = (None, None);
    }

    /// The zone at a value.
    pub(super) fn at(&mut self, t_s: f64, bpm: f64) -> usize {
        let plain = self.borders_bpm.iter().filter(|b| bpm >= **b).count();
        let Some(zone) = self.zone else {
            self.zone = Some(plain);
            return plain;
        };
        let above = self.borders_bpm.get(zone);
        let below = zone.checked_sub(1).map(|z| self.borders_bpm[z]);
        let up = above.is_some_and(|b| bpm >= b + MARGIN_BPM);
        let down = below.is_some_and(|b| bpm < b - MARGIN_BPM);
        if !up && !down {
            self.left = None;
            return zone;
        }
        let since = match self.left {
            Some((since, side)) if side == up => since,
            _ => t_s,
        };
        self.left = Some((since, up));
        if t_s - since < DWELL_S {
            return zone;
        }
        (self.zone, self.left) = (Some(plain), None);
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(values: &[f64]) -> Vec<usize> {
        let mut zones = Zones::new([100.0, 120.0]);
        let at = values.iter().enumerate();
        at.map(|(t, bpm)| zones.at(t as f64, *bpm)).collect()
    }

    #[test]
    fn a_border_belongs_to_the_zone_above() {
        assert_eq!(run(&[99.9])[0], 0);
        assert_eq!(run(&[100.0])[0], 1);
        assert_eq!(run(&[300.0])[0], 2);
    }

    #[test]
    fn one_beat_or_two_seconds_over_a_border_change_nothing() {
        assert_eq!(run(&[98.0, 100.5, 100.5, 100.5, 100.5, 100.5]), [0; 6]);
        assert_eq!(run(&[98.0, 105.0, 105.0, 99.0, 105.0, 105.0]), [0; 6]);
        assert_eq!(run(&[101.0, 99.5, 99.5, 99.5, 99.5, 99.5]), [1; 6]);
    }

    #[test]
    fn three_seconds_over_the_margin_change_the_zone() {
        assert_eq!(run(&[98.0, 101.0, 101.0, 101.0, 101.0]), [0, 0, 0, 0, 1]);
        assert_eq!(run(&[98.0, 130.0, 130.0, 130.0, 130.0]), [0, 0, 0, 0, 2]);
        assert_eq!(run(&[121.0, 90.0, 90.0, 90.0, 90.0]), [2, 2, 2, 2, 0]);
    }
}
