//! Hierarchical consistency: noisy totals and their noisy parts made to agree.
//!
//! Each level of the place hierarchy is measured with noise of its own. Weighted least squares over the
//! tree gives, among all values in which every total is the sum of its parts, the unbiased ones of least
//! variance (Hay, Rastogi, Miklau and Suciu 2010, section 4, with unequal variances and any number of children).
//! Two passes do it: upwards each node is combined with the sum of its children by precision,
//! downwards what is left over is dealt to the children in proportion to their variance.
//!
//! Published counts must also be whole and not negative. They are settled from the top down: a
//! total is rounded, and its parts are projected onto the non-negative vectors with that sum, then
//! rounded by largest remainders. That step is biased where counts are small; the raw integers are published too.
//!
//! # Privacy
//! Post-processing: only noisy integers and public parameters enter.

/// The tree: for each level but the coarsest, the parent of each node in the next coarser level.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// Nodes of each level, finest first.
    pub(super) nodes: Vec<usize>,
    /// Parents of each level's nodes.
    pub(super) parents: Vec<Vec<usize>>,
}

/// How the estimate of each node of each level is distributed around the truth.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spread {
    /// Variance.
    pub(super) variance: f64,
    /// Excess kurtosis.
    pub(super) kurtosis: f64,
}

/// Above this many nodes the kurtosis of each estimate is not computed but bounded.
const MOST_NODES_WITH_KURTOSIS: usize = 2048;

struct Upward {
    combined: Vec<Vec<f64>>,
    variances: Vec<Vec<f64>>,
    /// Sum over the children of each node (of the next coarser level), and its variance.
    sums: Vec<Vec<f64>>,
    sum_variances: Vec<Vec<f64>>,
}

impl Tree {
    /// Unbiased least-squares estimates, consistent at every node.
    pub(super) fn reconcile(&self, noisy: &[Vec<f64>], variances: &[f64]) -> Vec<Vec<f64>> {
        let up = self.upward(noisy, variances);
        let mut estimates = up.combined.clone();
        for level in (0..self.parents.len()).rev() {
            for (node, &parent) in self.parents[level].iter().enumerate() {
                let share = up.variances[level][node] / up.sum_variances[level][parent];
                let missing = estimates[level + 1][parent] - up.sums[level][parent];
                estimates[level][node] = up.combined[level][node] + share * missing;
            }
        }
        estimates
    }

    fn upward(&self, noisy: &[Vec<f64>], variances: &[f64]) -> Upward {
        let mut up = Upward {
            combined: vec![noisy[0].clone()],
            variances: vec![vec![variances[0]; self.nodes[0]]],
            sums: Vec::new(),
            sum_variances: Vec::new(),
        };
        for (level, parents) in self.parents.iter().enumerate() {
            let above = self.nodes[level + 1];
            let (mut sums, mut sum_variances) = (vec![0.0; above], vec![0.0; above]);
            for (node, &parent) in parents.iter().enumerate() {
                sums[parent] += up.combined[level][node];
                sum_variances[parent] += up.variances[level][node];
            }
            let own = variances[level + 1];
            let combine = |node: usize| {
                let total: f64 = own + sum_variances[node];
                let value = (noisy[level + 1][node] * sum_variances[node] + sums[node] * own) / total;
                (value, own * sum_variances[node] / total)
            };
            let (combined, variances) = (0..above).map(combine).unzip();
            up.combined.push(combined);
            up.variances.push(variances);
            up.sums.push(sums);
            up.sum_variances.push(sum_variances);
        }
        up
    }

    /// Variance and kurtosis of each estimate, when the noise of each level has these.
    pub(super) fn spread(&self, noise: &[Spread]) -> Vec<Vec<Spread>> {
        let variances: Vec<f64> = noise.iter().map(|spread| spread.variance).collect();
        let zero: Vec<Vec<f64>> = self.nodes.iter().map(|&nodes| vec![0.0; nodes]).collect();
        let up = self.upward(&zero, &variances);
        let mut variance = up.variances.clone();
        for level in (0..self.parents.len()).rev() {
            for (node, &parent) in self.parents[level].iter().enumerate() {
                let share = up.variances[level][node] / up.sum_variances[level][parent];
                let gained = variance[level + 1][parent] - up.sum_variances[level][parent];
                variance[level][node] = share.mul_add(share * gained, up.variances[level][node]);
            }
        }
        let fourth = self.fourth_cumulants(noise, &zero, &variances);
        let most = noise.iter().map(|spread| spread.kurtosis).fold(0.0, f64::max);
        let spread = |level: usize, node: usize| {
            let variance = variance[level][node];
            let kurtosis = fourth.as_ref().map_or(most, |fourth| fourth[level][node] / (variance * variance));
            Spread { variance, kurtosis }
        };
        (0..self.nodes.len())
            .map(|level| (0..self.nodes[level]).map(|node| spread(level, node)).collect())
            .collect()
    }

    /// Fourth cumulants: estimates are linear in independent noises, so cumulants add with the fourth
    /// powers of the weights. The weights are the responses to one noise at a time.
    fn fourth_cumulants(
        &self,
        noise: &[Spread],
        zero: &[Vec<f64>],
        variances: &[f64],
    ) -> Option<Vec<Vec<f64>>> {
        let nodes: usize = self.nodes.iter().sum();
        if noise.iter().all(|spread| spread.kurtosis.abs() < 1e-9) {
            return Some(zero.to_vec());
        }
        if nodes > MOST_NODES_WITH_KURTOSIS {
            return None;
        }
        let mut fourth = zero.to_vec();
        let mut unit = zero.to_vec();
        for (level, spread) in noise.iter().enumerate() {
            for node in 0..self.nodes[level] {
                unit[level][node] = 1.0;
                let response = self.reconcile(&unit, variances);
                unit[level][node] = 0.0;
                let cumulant = spread.kurtosis * spread.variance * spread.variance;
                for (fourth, weights) in fourth.iter_mut().zip(&response) {
                    for (fourth, weight) in fourth.iter_mut().zip(weights) {
                        *fourth += weight.powi(4) * cumulant;
                    }
                }
            }
        }
        Some(fourth)
    }

    /// Whole, non-negative and consistent values near the estimates.
    pub(super) fn settle(&self, estimates: &[Vec<f64>]) -> Vec<Vec<i64>> {
        let top = self.parents.len();
        let mut settled: Vec<Vec<i64>> = self.nodes.iter().map(|&nodes| vec![0; nodes]).collect();
        settled[top] = estimates[top].iter().map(|&value| whole(value.max(0.0))).collect();
        for level in (0..top).rev() {
            let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.nodes[level + 1]];
            for (node, &parent) in self.parents[level].iter().enumerate() {
                children[parent].push(node);
            }
            for (parent, children) in children.iter().enumerate() {
                let values: Vec<f64> = children.iter().map(|&node| estimates[level][node]).collect();
                let parts = parts_of(&values, settled[level + 1][parent]);
                for (&node, part) in children.iter().zip(parts) {
                    settled[level][node] = part;
                }
            }
        }
        settled
    }
}

/// The nearest integer of a number that noisy integers made.
pub(super) fn whole(value: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a float-to-integer cast saturates, which is meant")]
    let whole = value.round() as i64;
    whole
}

/// Non-negative integers with the sum `total`, nearest to `values` before rounding.
fn parts_of(values: &[f64], total: i64) -> Vec<i64> {
    if total <= 0 {
        return vec![0; values.len()];
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of persons and steps stay far below 2^53")]
    let target = total as f64;
    // Projection onto the simplex: take the same amount from every part, and nothing below zero.
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|one, two| two.total_cmp(one));
    let (mut sum, mut taken) = (0.0, 0.0);
    for (count, value) in (1_u32..).zip(&sorted) {
        sum += value;
        let candidate = (sum - target) / f64::from(count);
        if *value > candidate {
            taken = candidate;
        }
    }
    let projected: Vec<f64> = values.iter().map(|value| (value - taken).max(0.0)).collect();
    let mut parts: Vec<i64> = projected.iter().map(|value| whole(value.floor())).collect();
    let mut missing = total - parts.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|&one, &two| projected[two].fract().total_cmp(&projected[one].fract()).then(one.cmp(&two)));
    let mut turn = order.iter().cycle().take(2 * parts.len());
    while missing > 0 {
        let Some(&node) = turn.next() else { break };
        parts[node] += 1;
        missing -= 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        // Five organisations in two regions in one nation.
        Tree { nodes: vec![5, 2, 1], parents: vec![vec![0, 0, 0, 1, 1], vec![0, 0]] }
    }

    fn spread(variance: f64, kurtosis: f64) -> Spread {
        Spread { variance, kurtosis }
    }

    #[test]
    fn estimates_agree_at_every_node() {
        let noisy = vec![vec![3.0, -1.0, 8.0, 20.0, 0.5], vec![15.0, 18.0], vec![40.0]];
        let estimates = tree().reconcile(&noisy, &[2.0, 1.0, 3.0]);
        assert!((estimates[0][..3].iter().sum::<f64>() - estimates[1][0]).abs() < 1e-9);
        assert!((estimates[0][3..].iter().sum::<f64>() - estimates[1][1]).abs() < 1e-9);
        assert!((estimates[1].iter().sum::<f64>() - estimates[2][0]).abs() < 1e-9);
    }

    /// Weighted least squares by brute force: the normal equations over the five leaves.
    fn least_squares(noisy: &[Vec<f64>], variances: &[f64]) -> Vec<f64> {
        let rows: [(&[usize], f64, f64); 8] = [
            (&[0], noisy[0][0], variances[0]),
            (&[1], noisy[0][1], variances[0]),
            (&[2], noisy[0][2], variances[0]),
            (&[3], noisy[0][3], variances[0]),
            (&[4], noisy[0][4], variances[0]),
            (&[0, 1, 2], noisy[1][0], variances[1]),
            (&[3, 4], noisy[1][1], variances[1]),
            (&[0, 1, 2, 3, 4], noisy[2][0], variances[2]),
        ];
        let mut matrix = [[0.0_f64; 6]; 5];
        for (leaves, value, variance) in rows {
            for &one in leaves {
                for &two in leaves {
                    matrix[one][two] += 1.0 / variance;
                }
                matrix[one][5] += value / variance;
            }
        }
        for pivot in 0..5 {
            let scale = matrix[pivot][pivot];
            matrix[pivot].iter_mut().for_each(|value| *value /= scale);
            for row in (0..5).filter(|&row| row != pivot) {
                let factor = matrix[row][pivot];
                let pivot_row = matrix[pivot];
                matrix[row].iter_mut().zip(pivot_row).for_each(|(value, other)| *value -= factor * other);
            }
        }
        matrix.iter().map(|row| row[5]).collect()
    }

    #[test]
    fn two_passes_solve_the_weighted_least_squares() {
        let noisy = vec![vec![3.0, -1.0, 8.0, 20.0, 0.5], vec![15.0, 18.0], vec![40.0]];
        for variances in [[1.0, 1.0, 1.0], [2.0, 1.0, 3.0], [0.1, 10.0, 1.0]] {
            let estimates = tree().reconcile(&noisy, &variances);
            for (one, two) in estimates[0].iter().zip(least_squares(&noisy, &variances)) {
                assert!((one - two).abs() < 1e-9, "{one} {two}");
            }
        }
    }

    #[test]
    fn the_stated_variance_is_that_of_the_weights() {
        let noise = [spread(2.0, 3.0), spread(1.0, 3.0), spread(3.0, 3.0)];
        let variances: Vec<f64> = noise.iter().map(|spread| spread.variance).collect();
        let stated = tree().spread(&noise);
        let mut summed = [0.0; 5];
        let mut unit = vec![vec![0.0; 5], vec![0.0; 2], vec![0.0; 1]];
        for level in 0..3 {
            for node in 0..unit[level].len() {
                unit[level][node] = 1.0;
                let response = tree().reconcile(&unit, &variances);
                unit[level][node] = 0.0;
                for (sum, weight) in summed.iter_mut().zip(&response[0]) {
                    *sum += weight * weight * variances[level];
                }
            }
        }
        for (stated, summed) in stated[0].iter().zip(summed) {
            assert!((stated.variance - summed).abs() < 1e-9);
            // Mixing independent noises brings the shape nearer to the normal one.
            assert!(stated.kurtosis > 0.0 && stated.kurtosis < 3.0);
        }
    }

    #[test]
    fn settled_values_are_whole_consistent_and_not_negative() {
        let estimates = vec![vec![3.4, -2.0, 8.7, 20.2, 0.4], vec![10.1, 20.6], vec![30.7]];
        let settled = tree().settle(&estimates);
        assert_eq!(settled[2], [31]);
        assert_eq!(settled[1].iter().sum::<i64>(), 31);
        assert_eq!(settled[0][..3].iter().sum::<i64>(), settled[1][0]);
        assert_eq!(settled[0][3..].iter().sum::<i64>(), settled[1][1]);
        assert!(settled.iter().flatten().all(|&value| value >= 0));
        let negative = tree().settle(&[vec![-9.0; 5], vec![-27.0, -18.0], vec![-45.0]]);
        assert!(negative.iter().flatten().all(|&value| value == 0));
    }

    #[test]
    fn parts_of_any_values_add_up_to_any_total() {
        for (values, total) in [
            (vec![5.0, 7.0, -1.0], 0),
            (vec![5.0, 7.0, -1.0], 1),
            (vec![-5.0, -7.0, -1.0], 3),
            (vec![0.5; 7], 2),
            (vec![1e9, -1e9], 7),
            (vec![0.0], 4),
        ] {
            let parts = parts_of(&values, total);
            assert_eq!(parts.iter().sum::<i64>(), total, "{values:?}");
            assert!(parts.iter().all(|&part| part >= 0), "{values:?}");
        }
    }

    #[test]
    fn whole_numbers_that_agree_already_stay() {
        let estimates = vec![vec![3.0, 0.0, 8.0, 20.0, 1.0], vec![11.0, 21.0], vec![32.0]];
        assert_eq!(tree().settle(&estimates), [vec![3, 0, 8, 20, 1], vec![11, 21], vec![32]]);
    }
}
