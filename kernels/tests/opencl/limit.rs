//! The measurements of the device's own limit read what they claim to read.

use medrec_kernels::opencl::limit::{RandomReader, random_reads, stream_bytes_per_second};

use crate::support::FIXTURE;

#[test]
fn random_reads_read_the_pages_that_they_claim_to() {
    let bytes = FIXTURE.parameters.dataset_bytes();
    for limit in [u64::MAX, bytes.div_ceil(3).next_multiple_of(128)] {
        let dataset = FIXTURE.on_device(limit);
        for reads_in_flight in [1, 4, 16] {
            let mut reader = RandomReader::new(&dataset, reads_in_flight, 200).unwrap();
            assert!(reader.chains() >= 200);
            reader.run(48, 7).unwrap();
            let expected = reader.expected_fold(48, 7, |index| FIXTURE.items[index as usize]);
            assert_eq!(
                reader.folded().unwrap(),
                expected,
                "{reads_in_flight} in flight, {limit} bytes a buffer"
            );
        }
    }
}

#[test]
fn the_limit_is_a_sixty_fourth_of_the_reads() {
    let dataset = FIXTURE.on_device(u64::MAX);
    let limit = random_reads(&dataset, 0.1).unwrap();
    assert!(limit.reads_per_second > 1e5, "{limit:?}");
    assert!((limit.limit_hps * 64.0 / limit.reads_per_second - 1.0).abs() < 1e-9);
    assert!(stream_bytes_per_second(&dataset).unwrap() > 1e8);
}
