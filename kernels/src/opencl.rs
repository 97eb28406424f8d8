//! Ethash on OpenCL devices: listing, dataset generation, search, tuning and the device's own limit.
//!
//! One device is one [`DeviceContext`]; it holds one [`DeviceDataset`]; an [`OpenClSearcher`] searches
//! over it with a [`Tuning`] that [`autotune`](autotune::autotune) found and a [`TuningFile`] remembers. A [`LightSearcher`]
//! needs no dataset: it hashes from a [`DeviceLightCache`], slowly.
//! The kernels are the `.cl` files beside this module, embedded in the program and compiled by the
//! device's driver; every size in them comes from [`crate::ethash::parameters`] by `-D`.
//!
//! The OpenCL loader is opened at run time (the reason for the crate `opencl3`): a program with this
//! module starts where there is no OpenCL, and [`platforms`] says so.
//!
//! What it does not know: work sources, difficulty schedules, where a light cache comes from, files
//! other than the one for tunings.

pub mod autotune;
mod buffer;
mod context;
mod dataset;
mod device;
mod error;
mod launch;
mod light;
pub mod limit;
mod request;
mod results;
mod search_kernel;
mod search_loop;
mod searcher;

mod selection;
pub mod source;
mod tuning;
mod tuning_file;

pub use context::DeviceContext;
pub use dataset::{DatasetKernel, DeviceDataset};
pub use device::{Device, DeviceKind, Platform, platforms};
pub use error::OpenClError;
pub use light::DeviceLightCache;
pub use request::{SearchOutcome, SearchRequest, SearcherOptions, Verify, light_verifier};
pub use searcher::{LightSearcher, OpenClSearcher};
pub use selection::{DeviceSelector, devices, select};
pub use tuning::{Exchange, GroupTuning, Tuning, VectorTuning};
pub use tuning_file::TuningFile;
