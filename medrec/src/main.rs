//! The one binary: arguments, shell, wiring.
//!
//! Knows every room, and holds no logic of theirs.

fn main() {}
