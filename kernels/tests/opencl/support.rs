//! What the tests share: the device, a reduced dataset, and what the reference says about it.

use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::thread;

use medrec_kernels::ethash::{Boundary, Hashimoto, Parameters, Row, reference};
use medrec_kernels::opencl::{
    DatasetKernel, Device, DeviceContext, DeviceDataset, DeviceKind, OpenClSearcher, SearchRequest,
    SearcherOptions, Tuning, Verify, devices,
};
use medrec_kernels::progress::Progress;

/// The header that the reference hashes below belong to.
pub(crate) const HEADER: [u8; 32] = [0xa7; 32];
/// The first nonce of the reference hashes: the low half carries over within them.
pub(crate) const FIRST_NONCE: u64 = 0x1_ffff_0000;
/// How many there are: over 100,000, and no multiple of any group size.
pub(crate) const NONCES: u32 = 100_003;
/// Everything that is hashed is found.
pub(crate) const EVERY: SearchRequest = SearchRequest {
    header: HEADER,
    boundary: Boundary::MAX,
    start_nonce: FIRST_NONCE,
    max_nonces: 0,
    max_solutions: None,
};

/// The CPU device that PoCL offers.
pub(crate) fn device() -> Device {
    let all = devices().unwrap_or_else(|error| {
        panic!("the tests need an OpenCL driver: apt-get install pocl-opencl-icd\n{error}")
    });
    if is_child() && all.len() == 1 {
        // The parent chose the only driver.
        return all[0].clone();
    }
    let pocl = all.into_iter().find(|device| device.kind == DeviceKind::Cpu);
    pocl.expect("the tests need OpenCL on the CPU: apt-get install pocl-opencl-icd")
}

/// A reduced dataset with every item from the reference.
pub(crate) struct Fixture {
    pub(crate) parameters: Parameters,
    pub(crate) cache: Vec<Row>,
    pub(crate) items: Vec<Row>,
}

/// 32,749 pages (prime) from 1,021 rows (prime).
pub(crate) static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let parameters = Parameters::reduced([0x11; 32], 1021, 2 * 32_749);
    let cache = reference::light_cache(&parameters);
    let items = parallel(parameters.dataset_items, |index| reference::dataset_item(&cache, index));
    Fixture { parameters, cache, items }
});

/// What the reference gives for `NONCES` nonces from `FIRST_NONCE` on.
pub(crate) static EXPECTED: LazyLock<Vec<Hashimoto>> =
    LazyLock::new(|| parallel(NONCES, |offset| FIXTURE.hashimoto(&HEADER, FIRST_NONCE + u64::from(offset))));

impl Fixture {
    pub(crate) fn hashimoto(&self, header: &[u8; 32], nonce: u64) -> Hashimoto {
        reference::hashimoto(header, nonce, self.parameters.dataset_items, |index| self.items[index as usize])
    }

    pub(crate) fn verify() -> Verify {
        Arc::new(|header, nonce| FIXTURE.hashimoto(header, nonce))
    }

    /// The dataset on the device, in buffers of at most `max_buffer_bytes`.
    pub(crate) fn on_device(&self, max_buffer_bytes: u64) -> Arc<DeviceDataset> {
        let context = DeviceContext::open(&device()).unwrap();
        let mut dataset = DeviceDataset::allocate(context, &self.parameters, max_buffer_bytes).unwrap();
        dataset.fill(DatasetKernel::Vector, &self.cache, &Progress::new()).unwrap();
        Arc::new(dataset)
    }

    pub(crate) fn searcher(&self, tuning: Tuning, result_slots: u32) -> OpenClSearcher {
        let options = SearcherOptions { result_slots, ..SearcherOptions::default() };
        OpenClSearcher::over(self.on_device(u64::MAX), tuning, Self::verify(), options).unwrap()
    }
}

/// `f(0), f(1), …` computed by two threads.
fn parallel<T: Send>(count: u32, f: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let half = count / 2;
    thread::scope(|scope| {
        let second = scope.spawn(|| (half..count).map(&f).collect::<Vec<_>>());
        let mut all: Vec<_> = (0..half).map(&f).collect();
        all.extend(second.join().unwrap());
        all
    })
}

/// Set in the child when a test runs itself again in another environment.
const CHILD: &str = "MEDREC_TEST_CHILD";

/// Whether this process is such a child.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test `name` of this program again in a process with `environment`; its standard output.
pub(crate) fn run_as_child(name: &str, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} with {environment:?}:\n{stdout}\n{stderr}");
    assert!(stdout.contains("1 passed"), "no test is called {name}:\n{stdout}");
    stdout
}
