//! The node as a whole: chains that are built, forked, mutated, restarted and killed.

mod blocks;
mod reorgs;
mod support;
