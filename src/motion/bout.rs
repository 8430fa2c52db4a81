//! A set in bouts: stretches of repetitions between long stays at the rest end. A client may do warm-ups, small
//! repetitions and full ones in one set, with a wait between; each bout has its own usual size, so that small
//! repetitions are measured by their like. Indices and unit of the series.

/// Shortest stay at the rest end that parts two bouts, s: longer than a hold within a repetition.
const STAY_S: f64 = 6.0;
/// What stays within this share of the usual leg does not move.
const STAY_SHARE: f64 = 0.25;

/// Half-open stretches `[from, to)` of a series, cut in the middle of every long stay near the rest end; the whole
/// series where there is none. `usual` is the usual leg of the set, `rest` the usual level of its rest end.
pub(super) fn bouts(x: &[f64], rest: f64, usual: f64, rate_hz: f64) -> Vec<(usize, usize)> {
    let shortest = (STAY_S * rate_hz) as usize;
    let band = STAY_SHARE * usual;
    let mut cuts = Vec::new();
    let (mut from, mut low, mut high) = (0, f64::INFINITY, f64::NEG_INFINITY);
    let close = |from: usize, to: usize, low: f64, high: f64, cuts: &mut Vec<usize>| {
        let near = (f64::midpoint(low, high) - rest).abs() < 0.5 * usual;
        if to - from >= shortest && near {
            cuts.push(usize::midpoint(from, to));
        }
    };
    for (i, v) in x.iter().enumerate() {
        if high.max(*v) - low.min(*v) > band {
            close(from, i, low, high, &mut cuts);
            (from, low, high) = (i, *v, *v);
        }
        (low, high) = (low.min(*v), high.max(*v));
    }
    let mut parts = Vec::with_capacity(cuts.len() + 1);
    let mut begin = 0;
    for cut in cuts {
        parts.push((begin, cut));
        begin = cut;
    }
    parts.push((begin, x.len()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_stays_at_the_rest_end_part() {
        let mut x = vec![0.0; 100];
        x.extend([80.0; 400]);
        x.extend([0.0; 400]);
        x.extend([80.0; 50]);
        assert_eq!(bouts(&x, 0.0, 80.0, 50.0), [(0, 700), (700, 950)]);
        assert_eq!(bouts(&x, 0.0, 80.0, 100.0), [(0, 950)]);
    }
}
