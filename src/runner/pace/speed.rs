//! How much of the job's rate is in force: all of it, until the provider says that it is too much.
//!
//! Being throttled halves it, down to a sixteenth. Then every so many good answers give a twentieth of the job's rate back:
//! as many as the job's rate is in a second, and ten at least. From one half to the whole takes some half a minute at 5/s, and a
//! quarter of one at 500/s. It never goes above the job's rate. A lane that several programs share goes by the same figures.

use crate::journal::lane::{FULL, LOWEST, STEP, per_step};

/// The share of the job's rate that is in force.
#[derive(Debug, Clone)]
pub(super) struct Speed {
    share: u32,
    good: u32,
    good_per_step: u32,
}

impl Speed {
    /// All of a rate of so many calls a second.
    pub(super) fn full(calls_a_second: u32) -> Self {
        Self { share: FULL, good: 0, good_per_step: per_step(calls_a_second) }
    }

    /// The share, in thousandths.
    pub(super) const fn share(&self) -> u32 {
        self.share
    }

    /// Halves it.
    pub(super) fn fall(&mut self) {
        self.share = (self.share / 2).max(LOWEST);
        self.good = 0;
    }

    /// Takes note of a good answer.
    pub(super) fn climb(&mut self) {
        self.good += u32::from(self.share < FULL);
        if self.good >= self.good_per_step {
            self.good = 0;
            self.share = (self.share + STEP).min(FULL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_by_half_and_climbs_slowly_and_never_beyond_the_whole() {
        let mut speed = Speed::full(5);
        speed.climb();
        assert_eq!(speed.share(), FULL);
        speed.fall();
        assert_eq!(speed.share(), 500);
        (0..99).for_each(|_| speed.climb());
        assert_eq!(speed.share(), 950);
        (0..1000).for_each(|_| speed.climb());
        assert_eq!(speed.share(), FULL);
        (0..20).for_each(|_| speed.fall());
        assert_eq!(speed.share(), LOWEST);
    }
}
