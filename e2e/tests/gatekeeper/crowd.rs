//! Connections that ask for nothing, in every place that the gatekeeper has.

use std::time::Duration;

use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use tokio::io::AsyncReadExt as _;
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
