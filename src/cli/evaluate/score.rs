//! What is compared with the truth, and how: pure numbers.

use crate::wire::labelled::RepTruth;

/// One figure of one recording.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Score {
    /// Collection.
    pub dataset: String,
    /// Recording.
    pub recording: String,
    /// Stable name; see `plimsoll evaluate --help`.
    pub metric: &'static str,
    /// What was measured; an error where the metric is an error.
    pub value: f64,
    /// What is true, where the value is not itself an error.
    pub truth: Option<f64>,
    /// UCUM unit.
    pub unit: &'static str,
}

/// Begin and end, s.
pub type Span = (f64, f64);

/// Pairs of (truth, found) that overlap most, each used once, in the order of the truth.
pub fn matched(truth: &[RepTruth], found: &[Span]) -> Vec<(Span, Span)> {
    let mut free: Vec<_> = found.to_vec();
    let mut pairs = Vec::new();
    for t in truth {
        let overlap = |f: &Span| f.1.min(t.end_s) - f.0.max(t.start_s);
        let best = (0..free.len()).max_by(|a, b| overlap(&free[*a]).total_cmp(&overlap(&free[*b])));
        if let Some(i) = best.filter(|i| overlap(&free[*i]) > 0.0) {
            pairs.push(((t.start_s, t.end_s), free.remove(i)));
        }
    }
    pairs
}

/// The value below which a `share` of all lie; `None` of nothing.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted: Vec<_> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let at = share * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}

/// Root of the mean square; `None` of nothing.
pub fn rms(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    (!values.is_empty()).then(|| (values.iter().map(|v| v * v).sum::<f64>() / n).sqrt())
}

/// Linear between the rows of a series; `None` outside it or across a hole of more than 0.2 s.
pub fn at(times: &[f64], values: &[f64], t: f64) -> Option<f64> {
    let after = times.partition_point(|x| *x < t);
    let (t1, v1) = (times.get(after)?, values.get(after)?);
    let before = after.checked_sub(1)?;
    let (t0, v0) = (times[before], values[before]);
    if t1 - t0 > 0.2 {
        return None;
    }
    Some(v0 + (v1 - v0) * (t - t0) / (t1 - t0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rep(start_s: f64, end_s: f64) -> RepTruth {
        RepTruth {
            start_s,
            end_s,
            label: None,
        }
    }

    #[test]
    fn each_found_repetition_is_used_once() {
        let pairs = matched(
            &[rep(0.0, 2.0), rep(2.0, 4.0)],
            &[(0.1, 2.1), (1.9, 4.2), (9.0, 10.0)],
        );
        assert_eq!(pairs, [((0.0, 2.0), (0.1, 2.1)), ((2.0, 4.0), (1.9, 4.2))]);
        assert!(matched(&[rep(0.0, 1.0)], &[(5.0, 6.0)]).is_empty());
    }

    #[test]
    fn quantiles_and_roots() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(rms(&[3.0, -3.0]), Some(3.0));
    }

    #[test]
    fn no_value_across_a_hole() {
        assert_eq!(at(&[0.0, 0.1], &[1.0, 2.0], 0.05), Some(1.5));
        assert_eq!(at(&[0.0, 1.0], &[1.0, 2.0], 0.5), None);
        assert_eq!(at(&[0.0, 0.1], &[1.0, 2.0], 3.0), None);
    }
}
