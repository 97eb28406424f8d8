//! Starts one thread for each worker and waits for them at the end.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, mpsc};

use crate::error::MinerError;
use crate::event::MinerEvent;
use crate::meter::Meter;
use crate::options::{DatasetPolicy, MinerOptions};
use crate::search::board::{Board, Found};
use crate::search::cpu::CpuWorker;
use crate::search::device::DeviceWorker;
use crate::search::limit::Limit;
use crate::search::nonces::NonceRange;

/// A worker that has not gone home after this long hangs in a driver, and is left behind.
const PATIENCE: Duration = Duration::from_secs(5);

/// The threads.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Waits until all have gone home, or for as long as one may take.
    pub(crate) async fn wait(self) {
        let deadline = Instant::now() + PATIENCE;
        while self.threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for thread in self.threads.into_iter().filter(JoinHandle::is_finished) {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// A meter for the processor, if it searches, and one for each device: in the order of their positions.
pub(crate) fn meters(options: &MinerOptions) -> Vec<Arc<Meter>> {
    let cpu = (options.threads > 0).then(|| {
        let engine = options.engine.name().to_owned();
        Arc::new(Meter::new("cpu".to_owned(), engine, options.threads))
    });
    let device = |device: &medrec_kernels::opencl::Device| {
        Arc::new(Meter::new(device.name.clone(), format!("OpenCL, {}", device.platform), 1))
    };
    cpu.into_iter().chain(options.devices.iter().map(device)).collect()
}

/// Starts all workers, each with its own nonces.
///
/// # Errors
/// [`MinerError::Thread`]; those that started go home when the board is closed.
pub(crate) fn start(
    options: &MinerOptions,
    first_nonce: u64,
    board: &Arc<Board>,
    meters: &[Arc<Meter>],
    finds: &mpsc::Sender<Found>,
    events: &broadcast::Sender<MinerEvent>,
) -> Result<Workers, MinerError> {
    let mut ranges = NonceRange::partition(first_nonce, options.threads + options.devices.len()).into_iter();
    let mut workers = Workers::default();
    let mut spawn = |name: String, run: Box<dyn FnOnce() + Send>| {
        let started = std::thread::Builder::new().name(name).spawn(run);
        started.map(|thread| workers.threads.push(thread)).map_err(|source| {
            board.close();
            MinerError::Thread { source }
        })
    };
    for (index, nonces) in ranges.by_ref().take(options.threads).enumerate() {
        let worker = CpuWorker {
            index,
            device: 0,
            board: Arc::clone(board),
            meter: Arc::clone(&meters[0]),
            engine: options.engine,
            nonces,
            found: finds.clone(),
        };
        spawn(format!("search-{index}"), Box::new(move || worker.run()))?;
    }
    let before = usize::from(options.threads > 0);
    for ((position, device), nonces) in options.devices.iter().enumerate().zip(ranges) {
        let index = before + position;
        let worker = DeviceWorker {
            device: device.clone(),
            index,
            board: Arc::clone(board),
            meter: Arc::clone(&meters[index]),
            nonces,
            found: finds.clone(),
            events: events.clone(),
            tuning_file: options.cache_folder.as_ref().map(|folder| folder.join("opencl-tuning.json")),
            is_light: options.dataset == DatasetPolicy::Never,
            limit: Limit::new(options.device_limit_hps),
        };
        spawn(format!("device-{position}"), Box::new(move || worker.run()))?;
    }
    Ok(workers)
}
