//! What changes from session to session. The slope is the median of the slopes between all pairs of sessions (Theil 1950,
//! Sen 1968): one bad session does not make a trend. Its 95 % interval is that of Sen's rank statistic.
//!
//! A change is called one only where the interval leaves no doubt about its direction *and* the whole change is more than
//! the smallest difference of two measurements that is not their error: `sqrt(2)` times the half-width of one, and no less
//! than the metric's guard band.

use super::median;
use ndarray::{Array1, Array2, Axis};

/// Fewest sessions that can say anything: of four, even slopes that all point one way are as often chance as one in twelve.
pub const FEWEST_SESSIONS: usize = 5;
/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.959_964;
const DAYS_A_WEEK: f64 = 7.0;

/// What can be said of the direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Upwards, by more than the error.
    Rising,
    /// Downwards, by more than the error.
    Falling,
    /// Not more than the error allows.
    NoChange,
    /// Too few sessions.
    TooFew,
}

impl Direction {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::NoChange => "no change beyond the error",
            Self::TooFew => "too few sessions",
        }
    }
}

/// The course of one figure over sessions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Change a week, unit of the figure; `None` where all sessions were at one time.
    pub slope_per_week: Option<f64>,
    /// Ends of its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Slope over the whole time, unit of the figure.
    pub change: Option<f64>,
    /// Smallest change that is more than the error.
    pub detectable: f64,
    /// What can be said.
    pub direction: Direction,
}

/// The trend of `values` with half-widths `errors` at `days`, all of the same length; a change of less than `least` is none.
#[must_use]
pub fn trend(days: &Array1<f64>, values: &Array1<f64>, errors: &Array1<f64>, least: f64) -> Trend {
    let of_errors = std::f64::consts::SQRT_2 * median(errors.to_vec()).unwrap_or(f64::INFINITY);
    let detectable = of_errors.max(least);
    let mut slopes = slopes(days, values);
    slopes.sort_by(f64::total_cmp);
    let slope = median(slopes.clone());
    let first = days.iter().copied().fold(f64::INFINITY, f64::min);
    let last = days.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let change = slope.map(|s| s * (last - first) / DAYS_A_WEEK);
    let interval = interval(&slopes, days.len());
    let direction = match (interval, change) {
        (Some((low, _)), Some(change)) if low > 0.0 && change > detectable => Direction::Rising,
        (Some((_, high)), Some(change)) if high < 0.0 && -change > detectable => Direction::Falling,
        (Some(_), Some(_)) => Direction::NoChange,
        _ => Direction::TooFew,
    };
    Trend {
        slope_per_week: slope,
        interval,
        change,
        detectable,
        direction,
    }
}

/// Slopes of all pairs that are apart in time, a week.
fn slopes(days: &Array1<f64>, values: &Array1<f64>) -> Vec<f64> {
    let apart = differences(days) / DAYS_A_WEEK;
    let rise = differences(values);
    let pairs = rise.indexed_iter().zip(&apart);
    pairs
        .filter(|(((i, j), _), weeks)| i < j && **weeks != 0.0)
        .map(|((_, rise), weeks)| rise / weeks)
        .collect()
}

/// Of every pair, the second minus the first.
fn differences(values: &Array1<f64>) -> Array2<f64> {
    &values.view().insert_axis(Axis(0)) - &values.view().insert_axis(Axis(1))
}

/// 95 % interval of the median slope (Sen 1968, eq. 2.6), from sorted slopes of `n` sessions.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be within the list"
)]
fn interval(slopes: &[f64], n: usize) -> Option<(f64, f64)> {
    if n < FEWEST_SESSIONS {
        return None;
    }
    let (count, n) = (slopes.len() as f64, n as f64);
    let width = Z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    // The ranks are counted from 1. The normal approximation falls just short of the whole number for five sessions.
    let rank = ((count - width) / 2.0 + 0.01).floor();
    if rank < 1.0 {
        return None;
    }
    let (low, high) = (rank as usize - 1, slopes.len().checked_sub(rank as usize)?);
    Some((*slopes.get(low)?, *slopes.get(high)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(days: &[f64], values: &[f64], error: f64) -> Trend {
        let errors = Array1::from_elem(days.len(), error);
        trend(
            &Array1::from(days.to_vec()),
            &Array1::from(values.to_vec()),
            &errors,
            0.0,
        )
    }

    #[test]
    fn a_line_is_found_and_one_bad_session_does_not_bend_it() {
        let days: Vec<f64> = (0..10).map(|i| f64::from(i) * 3.5).collect();
        let mut values: Vec<f64> = days.iter().map(|d| 60.0 + 2.0 * d / 7.0).collect();
        let straight = of(&days, &values, 2.0);
        assert!((straight.slope_per_week.unwrap() - 2.0).abs() < 1e-9);
        assert!((straight.change.unwrap() - 9.0).abs() < 1e-9);
        assert_eq!(straight.direction, Direction::Rising);
        values[4] = 0.0;
        let bent = of(&days, &values, 2.0);
        assert!((bent.slope_per_week.unwrap() - 2.0).abs() < 0.1);
        assert_eq!(bent.direction, Direction::Rising);
        let falling: Vec<f64> = values.iter().map(|v| -v).collect();
        assert_eq!(of(&days, &falling, 2.0).direction, Direction::Falling);
    }

    #[test]
    fn less_than_the_error_is_no_change() {
        let days = [0.0, 7.0, 14.0, 21.0, 28.0, 35.0];
        let values = [60.0, 60.5, 61.0, 61.5, 62.0, 62.5];
        // 2.5 in all; two measurements differ by 1.4 x 5 by their error alone.
        assert_eq!(of(&days, &values, 5.0).direction, Direction::NoChange);
        assert_eq!(of(&days, &values, 1.0).direction, Direction::Rising);
        // A small error makes no less than the guard band a change.
        let [days_of, values_of] = [days, values].map(|v| Array1::from(v.to_vec()));
        let held = trend(&days_of, &values_of, &Array1::zeros(6), 3.0);
        assert_eq!(
            (held.detectable, held.direction),
            (3.0, Direction::NoChange)
        );
        // Scatter without direction.
        let values = [60.0, 70.0, 61.0, 69.0, 60.0, 70.0];
        assert_eq!(of(&days, &values, 1.0).direction, Direction::NoChange);
    }

    #[test]
    fn few_sessions_say_nothing() {
        assert_eq!(
            of(&[0.0, 7.0, 14.0, 21.0], &[1.0, 50.0, 99.0, 150.0], 0.1).direction,
            Direction::TooFew
        );
        assert_eq!(of(&[], &[], 0.1).direction, Direction::TooFew);
        let same_day = of(&[3.0; 5], &[1.0, 2.0, 3.0, 4.0, 5.0], 0.1);
        assert_eq!(
            (same_day.slope_per_week, same_day.direction),
            (None, Direction::TooFew)
        );
    }

    #[test]
    fn the_interval_is_sens() {
        // By hand: 5 sessions, 10 slopes, width 1.96 x sqrt(5 x 4 x 15 / 18) = 8.0, so the first and the last.
        let days = [0.0, 7.0, 14.0, 21.0, 28.0];
        let values = [1.0, 2.0, 4.0, 3.0, 6.0];
        let mut slopes = slopes(&Array1::from(days.to_vec()), &Array1::from(values.to_vec()));
        slopes.sort_by(f64::total_cmp);
        assert_eq!(slopes.len(), 10);
        assert_eq!(interval(&slopes, 5), Some((slopes[0], slopes[9])));
        let many: Vec<f64> = (0..45).map(f64::from).collect();
        // 10 sessions: 1.96 x sqrt(10 x 9 x 25 / 18) = 21.9; (45 - 21.9) / 2 = 11.5: the 11th from either end.
        assert_eq!(interval(&many, 10), Some((10.0, 34.0)));
    }

    proptest! {
        #[test]
        fn the_order_of_sessions_does_not_matter(
            pairs in prop::collection::vec((0.0..400.0_f64, -50.0..50.0_f64), 5..20), turn in 0_usize..20
        ) {
            let mut turned = pairs.clone();
            turned.rotate_left(turn % pairs.len());
            let trend_of = |p: &[(f64, f64)]| {
                let days: Array1<f64> = p.iter().map(|x| x.0).collect();
                let values: Array1<f64> = p.iter().map(|x| x.1).collect();
                trend(&days, &values, &Array1::ones(p.len()), 0.0)
            };
            prop_assert_eq!(trend_of(&pairs), trend_of(&turned));
        }
    }
}
