//! How many signed reads a gatekeeper answers in a second, and how long each takes, with 50 clients at once.
//!
//! `cargo run --release --package medrec-e2e --example signed_reads`. Everything is real and on this machine: node, contracts, records,
//! sockets; a doctor reads ten patients under their grants, every request with a signature and a nonce of its own, signed before the
//! clock runs. Each answer is compared with the first of its kind. A new block comes every second.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on says so by panicking"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{B256, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_chain::acts::{consents, registrar, relationships};
use medrec_chain::{
    Client, ClientOptions, Contracts, Network, Request, Role, Sender, SenderOptions, SignedAct, State,
};
use medrec_contracts::{Registrar, hashes};
use medrec_datasets::synth::{self, SynthFormat, SynthOptions};
use medrec_datasets::{Format, Location};
use medrec_domain::consent::{CONSENT_VERSION, Grantee};
use medrec_domain::identifier::ChainId;
use medrec_domain::schema::Table;
use medrec_domain::{ConditionScope, ConsentDocument, FieldScope, Purpose, Scope};
use medrec_gatekeeper::rewards::RewardsOptions;
use medrec_gatekeeper::{Gatekeeper, Options};
use medrec_node::node::LightSealing;
use medrec_node::spec::{DEV_ACCOUNTS, DEV_CHAIN_ID, DEV_MNEMONIC};
use medrec_node::{ChainSpec, Node, NodeOptions};
use medrec_protocol::bridge::{commitment_prefix, from_chain};
use medrec_protocol::methods::consents::{Put, PutBody};
use medrec_protocol::methods::provider::{Link, LinkBody};
use medrec_protocol::methods::records::{Read, ReadBody};
use medrec_protocol::{Asking, Hexadecimal, Method, Signed, request_digest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const CLIENTS: usize = 50;
const READS_A_CLIENT: usize = 200;
const PATIENTS: u64 = 10;

/// A chain with a provider on it.
struct Ground {
    client: Client,
    contracts: Contracts,
    provider: Sender,
    url: String,
}

impl Ground {
    async fn start(folder: &std::path::Path) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut options =
            NodeOptions::new(ChainSpec::dev(DEV_MNEMONIC, DEV_ACCOUNTS).unwrap(), folder.join("chain"));
        options.backend.coinbase = Some(key("miner").address());
        options.sealing = Some(LightSealing { threads: 1, period: Some(Duration::from_secs(1)) });
        let node = Node::open(options).unwrap();
        tokio::spawn(async move { node.serve(listener, std::future::pending()).await });
        let client = Client::new(ClientOptions::new([&url], DEV_CHAIN_ID)).unwrap();
        client.wait_until_ready(Duration::from_mins(1)).await.unwrap();
        let options = SenderOptions {
            confirmations: 0,
            poll_interval: Duration::from_millis(20),
            ..SenderOptions::default()
        };
        let provider =
            Sender::open(client.clone(), Arc::new(funded(0)), &folder.join("sender.redb"), options).unwrap();
        let hospital = Registrar::Candidate {
            account: provider.account(),
            role: 4,
            identityCommitment: keccak256("hospital"),
            institution: Registrar::Institution {
                name: "hospital".to_owned(),
                endpoint: "http://127.0.0.1".to_owned(),
                encryptionKey: keccak256("encryption key"),
            },
        };
        let contracts = provider.deploy("contracts", vec![hospital]).await.unwrap();
        Self { client, contracts, provider, url }
    }

    /// Has somebody sign an act and the provider carry it.
    async fn relay<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) {
        let view = self.client.view().await.unwrap();
        let nonce = self.contracts.at(&view).nonce(A::CONTRACT, signer.address()).await.unwrap();
        let permit = self.contracts.authorise(act, signer, nonce, now_s() + 3_600).await.unwrap();
        let nonce = self.provider.send(Request::from(self.contracts.relay(act, &permit))).await.unwrap();
        let state = self.provider.wait(nonce).await.unwrap();
        assert!(matches!(state, State::Confirmed(_)), "{state:?}");
    }
}

fn funded(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::from_phrase_nth(DEV_MNEMONIC, index)
}

fn key(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).unwrap()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A signed request as bytes of HTTP.
fn question<M: Method>(
    address: SocketAddr,
    provider: &PrivateKeySigner,
    signer: &PrivateKeySigner,
    body: M::Body,
) -> Vec<u8> {
    let issued_s = now_s();
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).unwrap();
    let asking = Asking {
        chain_id: DEV_CHAIN_ID,
        audience: from_chain(provider.address()),
        signer: from_chain(signer.address()),
        nonce: Hexadecimal(nonce),
        issued_s,
        expiry_s: issued_s + 280,
    };
    let digest = request_digest::<M>(&body, &asking).unwrap();
    let request = Signed::new(body, &asking, signer.sign_hash_sync(&digest).unwrap().as_bytes());
    let body = serde_json::to_vec(&request).unwrap();
    let head = format!(
        "POST /v1/{} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        M::NAME,
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

/// One exchange over a connection that stays open: the answer's body.
async fn exchange(stream: &mut TcpStream, question: &[u8]) -> Vec<u8> {
    stream.write_all(question).await.unwrap();
    let mut bytes = Vec::with_capacity(4_096);
    loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the connection ended");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        while bytes.len() < end + 4 + length {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the connection ended");
        }
        assert!(head.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(&bytes));
        return bytes.split_off(end + 4);
    }
}

async fn ask<M: Method>(address: SocketAddr, signer: &PrivateKeySigner, body: M::Body) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    exchange(&mut stream, &question::<M>(address, &funded(0), signer, body)).await;
}

/// A patient with a record, a relationship, and a grant to the doctor.
async fn patient(
    ground: &Ground,
    address: SocketAddr,
    doctor: &PrivateKeySigner,
    options: &SynthOptions,
    index: u64,
) {
    let (patient, provider) = (key(&format!("patient {index}")), ground.provider.account());
    let account = from_chain(patient.address());
    let source_id = synth::source_id(options, index).unwrap();
    ask::<Link>(address, &funded(0), LinkBody { account, source_id }).await;
    let onboard = relationships::Onboard { provider, identity_commitment: B256::repeat_byte(1) };
    ground.relay(&onboard, &patient).await;
    let document = ConsentDocument {
        version: CONSENT_VERSION,
        chain_id: ChainId(DEV_CHAIN_ID),
        provider: from_chain(provider),
        patient: account,
        signer: account,
        grantee: Grantee::Person { address: from_chain(doctor.address()) },
        scope: Scope {
            purpose: Purpose::Treatment,
            fields: FieldScope::Only(
                ["measurement.code", "measurement.date"].map(|field| field.parse().unwrap()).into(),
            ),
            conditions: ConditionScope::Only(["haemoglobin-a1c".to_owned()].into()),
        },
        start_s: 0,
        expiry_s: now_s() + 86_400,
        yearly_cap: None,
    };
    let salt = [7; 32];
    let commitment = document.commitment(&salt).unwrap();
    let expiry = u32::try_from(document.expiry_s).unwrap();
    let terms = hashes::terms(commitment_prefix(&commitment), 0, expiry);
    ask::<Put>(address, &patient, PutBody { document, salt: Hexadecimal(salt) }).await;
    ground.relay(&consents::Grant { patient: patient.address(), terms }, &patient).await;
}

fn reading(index: u64) -> ReadBody {
    ReadBody {
        patient: from_chain(key(&format!("patient {index}")).address()),
        purpose: Purpose::Treatment,
        table: Table::Measurement,
        columns: None,
        from: None,
        until: None,
        after: 0,
        limit: 20,
    }
}

/// Starts a gatekeeper over a synthetic population.
async fn gatekeeper(ground: &Ground, folder: &std::path::Path, population: &SynthOptions) -> SocketAddr {
    synth::run(population, &folder.join("records"), &()).unwrap();
    let network = Network { genesis_hash: B256::ZERO, contracts: ground.contracts };
    let location = Location::Folder { path: folder.join("records"), format: Format::SyntheaCsv };
    let rewards = RewardsOptions::new("4".parse().unwrap(), "1/2".parse().unwrap());
    let own = (funded(0).address(), funded(0));
    let as_of = "2024-12-31".parse().unwrap();
    let options = Options::new(folder.join("state"), &network, [&ground.url], own, location, as_of, rewards);
    let mut options = options.unwrap();
    options.client = ClientOptions::new([&ground.url], DEV_CHAIN_ID);
    let opened = tokio::task::spawn_blocking(|| Gatekeeper::open(options)).await.unwrap().unwrap();
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { opened.serve(listener, std::future::pending()).await.unwrap() });
    // What is signed in the second of the start is refused.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    address
}

/// One client: connects, asks one after the other, and gives back how long each took.
async fn client(
    address: SocketAddr,
    questions: Vec<(u64, Vec<u8>)>,
    expected: Arc<Vec<String>>,
) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut times = Vec::with_capacity(questions.len());
    for (index, question) in questions {
        let started = Instant::now();
        let answer = exchange(&mut stream, &question).await;
        times.push(started.elapsed());
        assert_eq!(rows(&answer), expected[usize::try_from(index).unwrap()]);
    }
    times
}

/// The rows of an answer, as text; the block is another one each time.
fn rows(answer: &[u8]) -> String {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap();
    answer["rows"].to_string()
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::start(folder.path()).await;
    let population = SynthOptions::new(11, 1_000, 3, SynthFormat::SyntheaCsv);
    let address = gatekeeper(&ground, folder.path(), &population).await;
    let doctor = key("doctor");
    let register = registrar::Register { role: Role::Guardian, identity_commitment: B256::repeat_byte(2) };
    ground.relay(&register, &doctor).await;
    let mut expected = Vec::new();
    for index in 0..PATIENTS {
        patient(&ground, address, &doctor, &population, index).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let question = question::<Read>(address, &funded(0), &doctor, reading(index));
        expected.push(rows(&exchange(&mut stream, &question).await));
    }
    let expected = Arc::new(expected);
    let mut questions = Vec::new();
    for client in 0..CLIENTS {
        let patients = (0..READS_A_CLIENT).map(|read| u64::try_from(client + read).unwrap() % PATIENTS);
        let signed =
            patients.map(|index| (index, question::<Read>(address, &funded(0), &doctor, reading(index))));
        questions.push(signed.collect::<Vec<_>>());
    }
    let started = Instant::now();
    let clients: Vec<_> = questions
        .into_iter()
        .map(|questions| tokio::spawn(client(address, questions, Arc::clone(&expected))))
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    let elapsed = started.elapsed();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    let count = u32::try_from(times.len()).unwrap();
    println!("signed reads       {count} by {CLIENTS} clients");
    println!("reads a second     {:.0}", f64::from(count) / elapsed.as_secs_f64());
    println!("p50, p95, p99      {:.1} ms, {:.1} ms, {:.1} ms", at(50), at(95), at(99));
    println!("cores              {}", std::thread::available_parallelism().unwrap());
}
