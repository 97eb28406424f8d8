//! The workers that a miner drives: search a range of nonces on one device, over a dataset or from the light cache.
//!
//! What the work is for, and which range comes next, the caller knows; how launches follow each other, `search_loop.rs`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::dataset::DeviceDataset;
use super::device::Device;
use super::error::OpenClError;
use super::light::DeviceLightCache;
use super::request::{SearchOutcome, SearchRequest, SearcherOptions, Verify, light_verifier};
use super::search_kernel::SearchKernel;
use super::search_loop::SearchLoop;
use super::tuning::Tuning;
use crate::ethash::{LightCache, Parameters, Row};
use crate::progress::Progress;

/// A searcher over one dataset on one device.
pub struct OpenClSearcher {
    dataset: Arc<DeviceDataset>,
    tuning: Tuning,
    search: SearchLoop,
}

impl OpenClSearcher {
    /// Generates the dataset on `device` and makes a searcher over it, checking some hashes of the device
    /// against `verify`.
    ///
    /// # Errors
    /// As [`DeviceDataset::generate`] and [`OpenClSearcher::over`].
    pub fn new(
        device: &Device,
        parameters: &Parameters,
        cache: &[Row],
        tuning: Tuning,
        verify: Verify,
        progress: &Progress,
    ) -> Result<Self, OpenClError> {
        let dataset = DeviceDataset::generate(device, parameters, cache, progress)?;
        Self::over(Arc::new(dataset), tuning, verify, SearcherOptions::default())
    }

    /// A searcher over a dataset that is in device memory already.
    ///
    /// # Errors
    /// [`OpenClError::UnusableTuning`], [`OpenClError::Build`], [`OpenClError::WrongAnswer`] when the device
    /// hashes wrongly, and what the driver refuses.
    pub fn over(
        dataset: Arc<DeviceDataset>,
        tuning: Tuning,
        verify: Verify,
        options: SearcherOptions,
    ) -> Result<Self, OpenClError> {
        let kernel = SearchKernel::over_dataset(Arc::clone(&dataset), tuning)?;
        Ok(Self { dataset, tuning, search: SearchLoop::new(kernel, verify, options)? })
    }

    /// As [`OpenClSearcher::over`] without the check at the start: for a dataset that is not whole.
    ///
    /// # Errors
    /// As [`OpenClSearcher::over`].
    pub fn unchecked(
        dataset: Arc<DeviceDataset>,
        tuning: Tuning,
        verify: Verify,
        options: SearcherOptions,
    ) -> Result<Self, OpenClError> {
        let kernel = SearchKernel::over_dataset(Arc::clone(&dataset), tuning)?;
        Ok(Self { dataset, tuning, search: SearchLoop::unchecked(kernel, verify, options)? })
    }

    /// The dataset that is searched over.
    pub const fn dataset(&self) -> &Arc<DeviceDataset> {
        &self.dataset
    }

    /// The tuning in use.
    pub const fn tuning(&self) -> Tuning {
        self.tuning
    }

    /// Searches until the range ends, enough solutions are found or `stop` is set; a stop takes effect within
    /// a fraction of a launch.
    ///
    /// # Errors
    /// [`OpenClError::WrongAnswer`] when the CPU does not confirm a find, [`OpenClError::DeviceLost`], and what
    /// the driver refuses.
    pub fn search(
        &mut self,
        request: &SearchRequest,
        stop: &AtomicBool,
    ) -> Result<SearchOutcome, OpenClError> {
        self.search.search(request, stop)
    }

    /// Hashes `seconds` long without looking for anything, and tells how fast.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn measure_hashrate_hps(&mut self, seconds: f64) -> Result<f64, OpenClError> {
        self.search.measure_hashrate_hps(seconds)
    }
}

/// A searcher that needs no dataset: 16 MiB on the device at epoch 0 instead of a gigabyte, ready in a moment, and
/// thousands of times slower. For chains of low difficulty.
pub struct LightSearcher {
    search: SearchLoop,
}

impl LightSearcher {
    /// Brings the light cache onto `device` and makes a searcher, checking some hashes of the device on the CPU.
    ///
    /// # Errors
    /// [`OpenClError::OutOfMemory`], [`OpenClError::UnusableParameters`], [`OpenClError::Build`],
    /// [`OpenClError::WrongAnswer`] when the device hashes wrongly, and what the driver refuses.
    pub fn new(device: &Device, cache: &Arc<LightCache>) -> Result<Self, OpenClError> {
        let on_device = DeviceLightCache::upload(device, cache.parameters(), cache.rows())?;
        Self::over(on_device, light_verifier(Arc::clone(cache)), SearcherOptions::default())
    }

    /// A searcher over a light cache that is in device memory already.
    ///
    /// # Errors
    /// As [`LightSearcher::new`].
    pub fn over(
        cache: DeviceLightCache,
        verify: Verify,
        options: SearcherOptions,
    ) -> Result<Self, OpenClError> {
        let kernel = SearchKernel::over_cache(cache)?;
        Ok(Self { search: SearchLoop::new(kernel, verify, options)? })
    }

    /// Searches, as [`OpenClSearcher::search`] does.
    ///
    /// # Errors
    /// As [`OpenClSearcher::search`].
    pub fn search(
        &mut self,
        request: &SearchRequest,
        stop: &AtomicBool,
    ) -> Result<SearchOutcome, OpenClError> {
        self.search.search(request, stop)
    }

    /// Hashes `seconds` long without looking for anything, and tells how fast.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn measure_hashrate_hps(&mut self, seconds: f64) -> Result<f64, OpenClError> {
        self.search.measure_hashrate_hps(seconds)
    }
}
