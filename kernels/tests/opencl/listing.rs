//! Listing and choosing devices.

use medrec_kernels::opencl::{DeviceKind, DeviceSelector, OpenClError, devices, platforms, select};

use crate::support::device;

#[test]
fn the_listing_fills_every_field() {
    let device = device();
    let platforms = platforms().unwrap();
    let platform = &platforms[device.platform_index];
    assert_eq!(platform.devices[device.device_index].name, device.name);
    assert_eq!(platform.name, device.platform);
    assert_eq!(device.kind, DeviceKind::Cpu);
    for text in [
        &device.name,
        &device.vendor,
        &device.version,
        &device.driver_version,
        &platform.vendor,
        &platform.version,
    ] {
        assert!(!text.is_empty() && text.trim() == text && !text.contains('\0'), "{text:?}");
    }
    assert!(device.global_memory_bytes >= device.max_allocation_bytes, "{device:?}");
    assert!(device.max_allocation_bytes >= 1 << 27, "{device:?}");
    assert!(
        device.compute_units >= 1 && device.max_work_group >= 128 && device.local_memory_bytes >= 1 << 14
    );
    assert!(device.is_available);
}

#[test]
fn indices_count_over_all_platforms() {
    let indices: Vec<_> = devices().unwrap().iter().map(|device| device.index).collect();
    assert_eq!(indices, (0..indices.len()).collect::<Vec<_>>());
}

#[test]
fn a_device_is_chosen_by_index_pair_or_part_of_its_name() {
    let all = devices().unwrap();
    let device = device();
    let pair = format!("{}:{}", device.platform_index, device.device_index);
    let name = device.name.to_uppercase();
    for text in [device.index.to_string(), pair, name[..name.len() - 1].to_owned()] {
        let selector: DeviceSelector = text.parse().unwrap();
        assert_eq!(select(&all, &selector).unwrap().index, device.index, "{text}");
    }
}

#[test]
fn a_wrong_choice_lists_what_exists() {
    let all = devices().unwrap();
    for text in ["99", "0:99", "no such device"] {
        let error = select(&all, &text.parse().unwrap()).unwrap_err();
        assert!(matches!(error, OpenClError::NoSuchDevice { .. }));
        let message = error.to_string();
        assert!(message.contains(text) && message.contains(&device().name), "{message}");
    }
}

#[test]
fn a_name_that_fits_two_devices_is_refused_with_both() {
    let mut two = vec![device(), device()];
    two[1].index = 1;
    let error = select(&two, &DeviceSelector::Name(device().name)).unwrap_err();
    assert!(matches!(error, OpenClError::AmbiguousDevice { .. }));
    assert!(error.to_string().contains("choose by number"));
}
