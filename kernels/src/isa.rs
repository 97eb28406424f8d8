//! The instruction sets that engines are written for, and which of them this processor has.
//!
//! Detection is done by the standard library and cached there. The rest of the room asks here, so
//! that the name, the features and the advice for one set stand in one place.

/// An instruction set that an engine may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isa {
    /// What every processor of the target has; with BMI1 and BMI2 where they exist.
    Scalar,
    /// x86-64 with AVX2: 256-bit integer vectors.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL: 512-bit vectors, rotations and ternary logic.
    Avx512,
}

impl Isa {
    /// All instruction sets, the slowest first.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

    /// The name that users write: `scalar`, `avx2` or `avx512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The set of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// The processor features that it stands for, as `/proc/cpuinfo` names them.
    pub const fn features(self) -> &'static [&'static str] {
        match self {
            Self::Scalar => &[],
            Self::Avx2 => &["avx2"],
            Self::Avx512 => &["avx512f", "avx512bw", "avx512dq", "avx512vl"],
        }
    }

    /// Whether this processor, and its operating system, have it.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }

    /// Whether this processor, and its operating system, have it.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        self == Self::Scalar
    }

    /// The sets that this processor has, the slowest first.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// The set of this name, if this processor has it.
    ///
    /// # Errors
    /// [`IsaError`] says whether the name or the processor is at fault, and what there is.
    pub fn select(name: &str) -> Result<Self, IsaError> {
        let isa = Self::by_name(name).ok_or_else(|| IsaError::Unknown { name: name.to_owned() })?;
        if isa.is_available() { Ok(isa) } else { Err(IsaError::Unavailable { isa }) }
    }

    /// The fastest set that this processor has.
    pub fn best() -> Self {
        Self::ALL.into_iter().rfind(|isa| isa.is_available()).unwrap_or(Self::Scalar)
    }
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why an engine cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IsaError {
    /// No engine has that name.
    #[error("there is no engine \"{name}\"\n\nhint: this processor runs {}", names(&Isa::available()))]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The engine exists, and this processor cannot run it.
    #[error(
        "engine \"{isa}\" needs {}, which this processor lacks\n\nhint: this processor runs {}",
        isa.features().join(", "),
        names(&Isa::available())
    )]
    Unavailable {
        /// The engine asked for.
        isa: Isa,
    },
}

fn names(sets: &[Isa]) -> String {
    sets.iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_engine_is_refused_with_the_names_of_those_that_run() {
        let error = Isa::select("avx1024").unwrap_err().to_string();
        assert!(error.contains("\"avx1024\"") && error.contains("scalar"), "{error}");
    }

    #[test]
    fn the_best_engine_is_available_and_found_by_its_name() {
        assert_eq!(Isa::select(Isa::best().name()), Ok(Isa::best()));
        assert!(Isa::available().contains(&Isa::Scalar));
    }
}
