//! The search: a board with the present job, and workers that take it from there.
//!
//! A worker is a thread of the processor or an OpenCL device, and knows neither nodes nor epochs' making. It hashes the
//! nonces of its own range; a new job sets the old one's stop flag, which every engine looks at within a batch.

pub(crate) mod board;
pub(crate) mod cpu;
pub(crate) mod device;
pub(crate) mod limit;
pub(crate) mod nonces;
