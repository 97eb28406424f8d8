//! Choosing a device by what a user typed.
//!
//! Works on lists of devices and asks no driver.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::device::{Device, platforms};
use super::error::OpenClError;

/// What a user typed to name a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceSelector {
    /// Position among all devices, from 0: `2`.
    Index(usize),
    /// Positions of platform and device, from 0: `0:1`.
    PlatformDevice {
        /// The platform's position.
        platform: usize,
        /// The device's position in it.
        device: usize,
    },
    /// A part of the device's name, upper and lower case alike: `h200`.
    Name(String),
}

impl FromStr for DeviceSelector {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let text = text.trim();
        if let Ok(index) = text.parse() {
            return Ok(Self::Index(index));
        }
        if let Some((platform, device)) = text.split_once(':')
            && let (Ok(platform), Ok(device)) = (platform.trim().parse(), device.trim().parse())
        {
            return Ok(Self::PlatformDevice { platform, device });
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl fmt::Display for DeviceSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::PlatformDevice { platform, device } => write!(f, "{platform}:{device}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl DeviceSelector {
    /// Whether `device` is meant.
    pub fn matches(&self, device: &Device) -> bool {
        match self {
            Self::Index(index) => device.index == *index,
            Self::PlatformDevice { platform, device: position } => {
                (device.platform_index, device.device_index) == (*platform, *position)
            }
            Self::Name(name) => device.name.to_lowercase().contains(&name.to_lowercase()),
        }
    }
}

/// All devices of all platforms, in order.
///
/// # Errors
/// As [`platforms`].
pub fn devices() -> Result<Vec<Device>, OpenClError> {
    Ok(platforms()?.into_iter().flat_map(|platform| platform.devices).collect())
}

/// The one device of `devices` that `selector` means.
///
/// # Errors
/// [`OpenClError::NoSuchDevice`] listing what exists, [`OpenClError::AmbiguousDevice`] listing what matches.
pub fn select<'a>(devices: &'a [Device], selector: &DeviceSelector) -> Result<&'a Device, OpenClError> {
    let matching: Vec<_> = devices.iter().filter(|device| selector.matches(device)).collect();
    match matching[..] {
        [device] => Ok(device),
        [] => Err(OpenClError::NoSuchDevice {
            wanted: selector.to_string(),
            available: devices.iter().map(Device::summary).collect(),
        }),
        _ => Err(OpenClError::AmbiguousDevice {
            wanted: selector.to_string(),
            matching: matching.into_iter().map(Device::summary).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pairs_and_names_are_told_apart() {
        let parse = |text: &str| text.parse::<DeviceSelector>().unwrap();
        assert_eq!(parse(" 3 "), DeviceSelector::Index(3));
        assert_eq!(parse("1:2"), DeviceSelector::PlatformDevice { platform: 1, device: 2 });
        assert_eq!(parse("NVIDIA H200"), DeviceSelector::Name("NVIDIA H200".into()));
        assert_eq!(parse("a:b"), DeviceSelector::Name("a:b".into()));
        assert_eq!(parse("-1"), DeviceSelector::Name("-1".into()));
    }
}
