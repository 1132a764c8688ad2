//! Random numbers that depend on a seed alone, on every platform and in every release.

/// SplitMix64: a counter, mixed.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator for a seed and a purpose, so that two uses of one seed do not share numbers.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        // Both are mixed first: streams of neighbouring numbers would be one stream, shifted.
        Self(mix(seed ^ mix(purpose)))
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let bits = mix(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bits
    }

    /// A number from 0 to `end` − 1; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next_u64()) * end as u128) >> 64) as usize
    }

    /// A number from 0 inclusive to 1 exclusive.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Puts `items` in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn streams_of_one_seed_have_nothing_in_common() {
        let numbers = |purpose| {
            let mut rng = Rng::new(7, purpose);
            (0..1_000)
                .map(|_| rng.next_u64())
                .collect::<std::collections::BTreeSet<_>>()
        };
        for purpose in 1..50 {
            assert!(numbers(0).is_disjoint(&numbers(purpose)));
        }
    }

    #[test]
    fn numbers_below_an_end_are_even() {
        let mut rng = Rng::new(1, 1);
        let mut counts = [0; 10];
        (0..10_000).for_each(|_| counts[rng.below(10)] += 1);
        assert!(
            counts.iter().all(|count| (850..1_150).contains(count)),
            "{counts:?}"
        );
        assert_eq!(rng.below(0), 0);
    }
}
