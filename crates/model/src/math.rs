//! Sums and exponentials with one fixed order and one implementation on every platform.

/// Dot product of a row and a model's weights; entries of the row that are not finite count as `fill`.
///
/// Four running sums, so that the additions need not wait for each other, are joined in one fixed
/// order: native and WASM builds answer with the same bits. The lengths are the same; entries beyond
/// the shortest are ignored.
#[inline]
#[must_use]
pub fn dot_filled<T: Copy + Into<f64>>(row: &[T], fill: &[f64], weights: &[f64]) -> f64 {
    let mut sums = [0.0f64; 4];
    let (rows, fills, weight_chunks) = (
        row.chunks_exact(4),
        fill.chunks_exact(4),
        weights.chunks_exact(4),
    );
    let (row_rest, fill_rest, weight_rest) = (
        rows.remainder(),
        fills.remainder(),
        weight_chunks.remainder(),
    );
    for ((values, fills), weights) in rows.zip(fills).zip(weight_chunks) {
        for lane in 0..4 {
            sums[lane] += filled(values[lane].into(), fills[lane]) * weights[lane];
        }
    }
    for (lane, ((value, fill), weight)) in
        row_rest.iter().zip(fill_rest).zip(weight_rest).enumerate()
    {
        sums[lane] += filled((*value).into(), *fill) * weight;
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// `value`, or `fill` when it is missing: NaN or infinite.
#[inline]
#[must_use]
pub fn filled(value: f64, fill: f64) -> f64 {
    if value.is_finite() { value } else { fill }
}

/// The logistic function; 0 and 1 at the ends, never NaN for a number.
#[inline]
#[must_use]
pub fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

/// Turns logits into probabilities in place. Equal logits, however large, become equal shares.
pub fn softmax(logits: &mut [f64]) {
    let mut top = f64::NEG_INFINITY;
    for logit in logits.iter_mut() {
        // Sums over huge inputs can be infinite: their differences must not become NaN.
        *logit = logit.clamp(-1e300, 1e300);
        top = top.max(*logit);
    }
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = libm::exp(*logit - top);
        sum += *logit;
    }
    for logit in logits.iter_mut() {
        *logit /= sum;
    }
}

/// Index of the largest value; of the first one among equals.
#[must_use]
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
