//! What a record says about the machine: processor, caches, memory, huge pages, system.
//!
//! Nothing that names a person or a host is read: no host name, user, address or serial number.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Instruction sets that our engines or their rivals can make use of, as Linux names them.
const FEATURES_OF_INTEREST: [&str; 15] = [
    "sse2",
    "ssse3",
    "sse4_1",
    "sse4_2",
    "avx",
    "avx2",
    "bmi1",
    "bmi2",
    "avx512f",
    "avx512dq",
    "avx512bw",
    "avx512vl",
    "avx512_vbmi",
    "asimd",
    "sha3",
];

/// One level of cache, as the first processor sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// 1, 2, 3 …
    pub level: u32,
    /// `Data`, `Instruction` or `Unified`.
    pub kind: String,
    /// Size of one instance.
    pub bytes: u64,
    /// Processors that share the instance, as the kernel lists them (`0-1`).
    pub shared_by: String,
}

/// The machine of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's own name.
    pub cpu_model: String,
    /// Processors that the system schedules on.
    pub logical_cpus: usize,
    /// Instruction sets, of those that matter here.
    pub cpu_features: Vec<String>,
    /// Caches from the first level on.
    pub caches: Vec<Cache>,
    /// Main memory; 0 when unknown.
    pub memory_bytes: u64,
    /// Whether the processor reports a hypervisor above it.
    pub is_virtual: bool,
    /// The mode of transparent huge pages (`always`, `madvise`, `never`), or `unknown`.
    pub transparent_huge_pages: String,
    /// Pages reserved for explicit use (`/proc/sys/vm/nr_hugepages`).
    pub reserved_huge_pages: u64,
    /// Kernel release, or `unknown`.
    pub kernel: String,
    /// Operating system, as it names itself.
    pub system: String,
    /// Architecture that this binary was compiled for.
    pub architecture: String,
    /// The graphics device, for benchmarks that ran on one.
    pub device: Option<String>,
}

impl Machine {
    /// Describes this machine.
    pub fn describe() -> Self {
        let cpu = read("/proc/cpuinfo").unwrap_or_default();
        let flags = cpu_line(&cpu, "flags").or_else(|| cpu_line(&cpu, "Features")).unwrap_or_default();
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let present = FEATURES_OF_INTEREST.iter().filter(|feature| flags.contains(feature));
        Self {
            cpu_model: cpu_line(&cpu, "model name").unwrap_or_else(|| "unknown processor".to_owned()),
            logical_cpus: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_features: present.map(|feature| (*feature).to_owned()).collect(),
            caches: caches(Path::new("/sys/devices/system/cpu/cpu0/cache")),
            memory_bytes: memory_bytes(&read("/proc/meminfo").unwrap_or_default()),
            is_virtual: flags.contains(&"hypervisor"),
            transparent_huge_pages: read("/sys/kernel/mm/transparent_hugepage/enabled")
                .and_then(|text| chosen_of(&text))
                .unwrap_or_else(unknown),
            reserved_huge_pages: read("/proc/sys/vm/nr_hugepages")
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0),
            kernel: read("/proc/sys/kernel/osrelease").map_or_else(unknown, |text| text.trim().to_owned()),
            system: read("/etc/os-release")
                .and_then(|text| pretty_name(&text))
                .unwrap_or_else(|| std::env::consts::OS.to_owned()),
            architecture: std::env::consts::ARCH.to_owned(),
            device: None,
        }
    }

    /// A folder name for records of machines like this one: the device, or the processor and how many.
    pub fn slug(&self) -> String {
        match &self.device {
            Some(device) => slug_of(device),
            None => format!("{}-x{}", slug_of(&self.cpu_model), self.logical_cpus),
        }
    }

    /// Why figures of the two machines are not directly comparable; empty when they are.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut differ = |what: &str, left: String, right: String| {
            if left != right {
                found.push(format!("{what} differs: {left} against {right}"));
            }
        };
        differ("processor", self.cpu_model.clone(), other.cpu_model.clone());
        differ("number of processors", self.logical_cpus.to_string(), other.logical_cpus.to_string());
        differ("cpu features", self.cpu_features.join(" "), other.cpu_features.join(" "));
        differ("caches", sizes(&self.caches), sizes(&other.caches));
        differ("memory", self.memory_bytes.to_string(), other.memory_bytes.to_string());
        let (left, right) = (self.transparent_huge_pages.clone(), other.transparent_huge_pages.clone());
        differ("transparent huge pages", left, right);
        let device = |machine: &Self| machine.device.clone().unwrap_or_else(|| "none".to_owned());
        differ("device", device(self), device(other));
        differ("kernel", self.kernel.clone(), other.kernel.clone());
        found
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn sizes(caches: &[Cache]) -> String {
    let text: Vec<String> =
        caches.iter().map(|cache| format!("L{} {} {}", cache.level, cache.kind, cache.bytes)).collect();
    text.join(", ")
}

fn cpu_line(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|name| name.trim() == key))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn memory_bytes(text: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with("MemTotal:"));
    let kib =
        line.and_then(|line| line.split_whitespace().nth(1)).and_then(|field| field.parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}

/// The word in brackets of `always [madvise] never`.
fn chosen_of(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(chosen, _)| chosen.to_owned())
}

fn pretty_name(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned())
}

fn caches(folder: &Path) -> Vec<Cache> {
    (0..8)
        .map_while(|index| {
            let field = |name: &str| {
                let path = folder.join(format!("index{index}")).join(name);
                fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
            };
            Some(Cache {
                level: field("level")?.parse().ok()?,
                kind: field("type")?,
                bytes: size_bytes(&field("size")?)?,
                shared_by: field("shared_cpu_list").unwrap_or_default(),
            })
        })
        .collect()
}

/// `32K` or `36608K` or `8M`, as sysfs writes sizes.
fn size_bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.strip_suffix('K') {
        Some(digits) => (digits, 1 << 10),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    digits.parse::<u64>().ok().map(|count| count * unit)
}

fn slug_of(name: &str) -> String {
    let without_marks = name.replace("(R)", " ").replace("(TM)", " ").replace("(tm)", " ");
    let dashed: String = without_marks
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_folder_names() {
        assert_eq!(slug_of("Intel(R) Xeon(R) Processor @ 2.50GHz"), "intel-xeon-processor-2-50ghz");
        assert_eq!(slug_of("NVIDIA H200"), "nvidia-h200");
        assert_eq!(slug_of("../../etc"), "etc");
    }

    #[test]
    fn kernel_texts_are_read_as_the_kernel_writes_them() {
        assert_eq!(chosen_of("always [madvise] never\n").as_deref(), Some("madvise"));
        assert_eq!(size_bytes("36608K"), Some(36_608 << 10));
        assert_eq!(size_bytes("8M"), Some(8 << 20));
        assert_eq!(memory_bytes("MemTotal:       24576 kB\n"), 24_576 << 10);
        assert_eq!(cpu_line("model name\t: A B\nflags : x y\n", "flags").as_deref(), Some("x y"));
    }

    #[test]
    fn a_machine_equals_itself_and_a_device_tells_two_apart() {
        let machine = Machine::describe();
        assert_eq!(machine.differences(&machine), Vec::<String>::new());
        let other = Machine { device: Some("NVIDIA H200".to_owned()), ..machine.clone() };
        assert_eq!(machine.differences(&other).len(), 1);
        assert_eq!(other.slug(), "nvidia-h200");
    }

    #[test]
    fn this_machine_is_described_with_what_linux_always_tells() {
        let machine = Machine::describe();
        assert!(machine.logical_cpus >= 1);
        if cfg!(target_os = "linux") {
            assert!(machine.memory_bytes > 1 << 20);
            assert_ne!(machine.kernel, "unknown");
        }
    }
}
