//! Connections that ask for nothing, and questions that never come to their end, in every place that the gatekeeper has.

use std::time::Duration;

use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::clinic::Clinic;

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_in_every_place_keep_no_patient_from_her_record() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    clinic.stop().await;
    let mut options = clinic.options();
    options.limits.connections.most = 4;
    // Long enough that nothing ends by itself while this test runs.
    options.limits.connections.head = Duration::from_mins(10);
    clinic.start_with(options).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(TcpStream::connect(clinic.desk.address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..3 {
        let answer = clinic.read(&patient.key, &patient, Purpose::Personal, Table::Person).await;
        assert_eq!(answer.rows.len(), 1);
    }
    let end = tokio::time::timeout(Duration::from_secs(10), silent[0].read(&mut [0])).await;
    assert!(matches!(end.expect("the oldest has made room"), Ok(0) | Err(_)));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), silent[3].read(&mut [0])).await.is_err(),
        "the newest stays"
    );
    clinic.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_never_come_to_their_end_keep_no_patient_from_her_record() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    clinic.stop().await;
    let mut options = clinic.options();
    (options.limits.requests, options.limits.large_bodies) = (2, 1);
    clinic.start_with(options).await;
    let address = clinic.desk.address;
    let begin = async |length: usize| {
        let mut slow = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/records/read HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{"
        );
        slow.write_all(head.as_bytes()).await.unwrap();
        slow
    };
    // More than there are places, small and large: the second large one is refused before it is read.
    let mut slow = Vec::new();
    for length in [400, 400, 400, 1 << 20, 1 << 20] {
        slow.push(begin(length).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for _ in 0..3 {
        let answer = clinic.read(&patient.key, &patient, Purpose::Personal, Table::Person).await;
        assert_eq!(answer.rows.len(), 1);
    }
    let mut told = [0; 12];
    let refused = tokio::time::timeout(Duration::from_secs(5), slow[4].read_exact(&mut told)).await;
    refused.expect("it is told at once").unwrap();
    assert_eq!(&told, b"HTTP/1.1 503");
    for waiting in &mut slow[..4] {
        let silent = tokio::time::timeout(Duration::from_millis(50), waiting.read(&mut told)).await;
        assert!(silent.is_err(), "it is waited for");
    }
    clinic.stop().await;
}
