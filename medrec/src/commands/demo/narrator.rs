//! Tells the story on stderr, with the seconds since the demo began; stdout is left to the result.

use std::time::Instant;

use crate::shell::Shell;

/// Steps of MedRec's published flow, as the demo counts them.
const STEPS: u8 = 9;

/// Who tells.
pub(super) struct Narrator<'s> {
    shell: &'s mut Shell,
    started: Instant,
}

impl<'s> Narrator<'s> {
    pub(super) fn new(shell: &'s mut Shell) -> Self {
        Self { shell, started: Instant::now() }
    }

    /// A step of the nine begins.
    pub(super) fn step(&mut self, number: u8, title: &str) {
        self.shell.status(&format!("\n[{:5.1} s] {number}/{STEPS}  {title}", self.seconds()));
    }

    /// Something happened within a step.
    pub(super) fn tell(&mut self, text: &str) {
        self.shell.status(&format!("[{:5.1} s]      {text}", self.seconds()));
    }

    /// Seconds since the beginning.
    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// The shell, for the result.
    pub(super) fn shell(&mut self) -> &mut Shell {
        self.shell
    }
}
