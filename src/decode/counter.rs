//! A device's 32-bit clock made 64 bits wide.
//!
//! A step back by more than half the range is the counter running over; a smaller one is a device that
//! restarted, and its time goes back with it (the clock fit then starts anew). What is known outlives a
//! connection: a clock that ran on while the link was gone is the same clock.

/// The counter so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wide {
    previous: Option<u32>,
    overruns: i64,
}

impl Wide {
    /// The next value, unwrapped.
    pub(super) fn next(&mut self, raw: u32) -> i64 {
        if let Some(previous) = self.previous.replace(raw)
            && raw < previous
        {
            let ran_over = previous - raw > u32::MAX / 2;
            self.overruns = if ran_over { self.overruns + 1 } else { 0 };
        }
        (self.overruns << 32) + i64::from(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overrun_goes_on_and_a_restart_goes_back() {
        let mut wide = Wide::default();
        assert_eq!(wide.next(u32::MAX - 5), i64::from(u32::MAX) - 5);
        assert_eq!(wide.next(10), (1 << 32) + 10);
        assert_eq!(wide.next(1_000_000), (1 << 32) + 1_000_000);
        assert_eq!(wide.next(7), 7);
    }
}
