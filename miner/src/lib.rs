//! Mines.
