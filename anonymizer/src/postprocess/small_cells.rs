//! Withholding small cells, and what they could be derived from.
//!
//! A policy on top of the guarantee, not part of it: the rule of CMS and others that no cell of 1 to 10
//! persons is published, nor anything from which it follows. It acts on published numbers, which are noisy, so it
//! tells nothing more about anybody. Zero is published.

/// Which nodes are withheld, level by level, given published counts and the tree's parents.
///
/// A node is small when its count lies from 1 to `threshold - 1`. Where exactly one child of a published
/// parent is withheld, the smallest of its siblings is withheld as well; an only child takes its parent with it. And a
/// withheld total has at least one withheld part, or its parts would add up to it.
pub(super) fn withheld(counts: &[Vec<i64>], parents: &[Vec<usize>], threshold: u32) -> Vec<Vec<bool>> {
    let small = |count: &i64| (1..i64::from(threshold)).contains(count);
    let mut hidden: Vec<Vec<bool>> = counts.iter().map(|level| level.iter().map(small).collect()).collect();
    for (level, parents) in parents.iter().enumerate() {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); counts[level + 1].len()];
        for (node, &parent) in parents.iter().enumerate() {
            children[parent].push(node);
        }
        for (parent, children) in children.iter().enumerate() {
            if hidden[level + 1][parent] || children.iter().filter(|&&node| hidden[level][node]).count() != 1
            {
                continue;
            }
            let sibling = children
                .iter()
                .copied()
                .filter(|&node| !hidden[level][node])
                .min_by_key(|&node| (counts[level][node] == 0, counts[level][node], node));
            match sibling {
                Some(node) => hidden[level][node] = true,
                None => hidden[level + 1][parent] = true,
            }
        }
    }
    for (level, parents) in parents.iter().enumerate().rev() {
        hide_parts(counts, &mut hidden, level, parents);
    }
    hidden
}

/// Hides the smallest part of each withheld total all of whose parts are published.
fn hide_parts(counts: &[Vec<i64>], hidden: &mut [Vec<bool>], level: usize, parents: &[usize]) {
    for total in 0..counts[level + 1].len() {
        if !hidden[level + 1][total] {
            continue;
        }
        let parts = || (0..parents.len()).filter(|&node| parents[node] == total);
        if parts().any(|node| hidden[level][node]) {
            continue;
        }
        if let Some(node) = parts().min_by_key(|&node| (counts[level][node] == 0, counts[level][node], node))
        {
            hidden[level][node] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_withheld_part_cannot_be_found_by_subtraction() {
        let parents = [vec![0, 0, 0, 1, 1]];
        let hidden = withheld(&[vec![5, 40, 30, 20, 0], vec![75, 20]], &parents, 11);
        assert_eq!(hidden[0], [true, false, true, false, false]);
        assert_eq!(hidden[1], [false, false]);
    }

    #[test]
    fn an_only_child_takes_its_parent_along() {
        let hidden = withheld(&[vec![7, 50], vec![7, 50], vec![57]], &[vec![0, 1], vec![0, 0]], 11);
        // Then the nation must not give the region away.
        assert_eq!(hidden[1], [true, true]);
    }

    #[test]
    fn a_withheld_total_does_not_follow_from_its_parts() {
        // The region of 5 is withheld, so the other is as well, and one of that one's organisations.
        let hidden = withheld(&[vec![5, 40, 30], vec![5, 70], vec![75]], &[vec![0, 1, 1], vec![0, 0]], 11);
        assert_eq!(hidden, [vec![true, false, true], vec![true, true], vec![false]]);
    }

    #[test]
    fn zero_is_published_and_a_threshold_of_nothing_withholds_nothing() {
        assert_eq!(withheld(&[vec![0, 10, 11]], &[], 11), [[false, true, false]]);
        assert_eq!(withheld(&[vec![0, 1, 11]], &[], 0), [[false; 3]]);
        assert_eq!(withheld(&[vec![0, 1, 11]], &[], 1), [[false; 3]]);
    }
}
