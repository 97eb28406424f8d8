//! 1,000 blocks of two miners, one with ten times the hashrate of the other, with re-organisations and bounties.
//!
//! The race is a real one: of eleven hashes in a row ten are the strong miner's, whoever's hash is below the boundary first has
//! the block. Figures are printed with `--no-capture`; docs/REWARDS.md names them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_primitives::{Address, U256};
use medrec_chain::{Head, View};
use medrec_domain::identifier::EpochNumber;
use medrec_domain::manifest::{Charging, Occasion};
use medrec_domain::workload::catalogue::Catalogue;
use medrec_domain::{Digest, Rho};
use medrec_gatekeeper::rewards::Rewards;
use medrec_node::store::ChainBlock;
use medrec_protocol::bridge::{from_chain, to_word};
use medrec_protocol::methods::provider::Posting;

use crate::bounties::bounty_id;
use crate::hospital::Hospital;
use crate::shards::{claim, release, verified};
use crate::yard::{Yard, person};

const BLOCKS: u64 = 1_000;
/// A race of 22 hashes on average.
const DIFFICULTY: u64 = 22;
/// A bounty is posted every so many blocks.
const BOUNTY_BLOCKS: u64 = 20;
/// A branch of one to three blocks is replaced every so many blocks.
const FORK_BLOCKS: u64 = 40;
/// A shard is claimed for every so many blocks; all are checked for who would get which.
const CLAIM_BLOCKS: usize = 50;
/// Of 1,000 blocks with a chance of 1/11 each, the weak miner has fewer than 50 or more than 138 with a probability of 8.7e-7 (exact
/// binomial tails): the false-alarm rate of this test.
const WEAK_BLOCKS: std::ops::RangeInclusive<usize> = 50..=138;
const PATIENTS: usize = 16;
/// Yearly caps, in turn.
const CAPS: [&str; 4] = ["1/2", "1/10", "3/20", "2"];

/// Who has the block after `parent`: the first of interleaved hashes below the boundary.
fn race(yard: &Yard, parent: &ChainBlock, strong: Address, weak: Address) -> Arc<ChainBlock> {
    // Which of the eleven places is the weak miner's changes from block to block, so that none is favoured.
    let place = u64::try_from(U256::from_be_bytes(parent.hash.0) % U256::from(11)).unwrap();
    yard.race(parent, U256::from(DIFFICULTY), |nonce| if nonce % 11 == place { weak } else { strong })
}

/// The bounties and the blocks of one run.
struct Run {
    yard: Yard,
    postings: Vec<Posting>,
    replaced: u64,
}

impl Run {
    /// 1,000 canonical blocks; postings go through the pool and may be replaced with their block.
    async fn mine(&mut self, strong: Address, weak: Address) -> u64 {
        let catalogue = Catalogue::standard().unwrap();
        let names = ["patients-by-class-last-month", "mean-iron-last-week", "diagnoses-last-month"];
        let first = self.yard.height() + 1;
        while self.yard.height() < first + BLOCKS - 1 {
            let done = self.yard.height() + 1 - first;
            if done.is_multiple_of(BOUNTY_BLOCKS) {
                let query = &catalogue.queries[names[self.postings.len() % names.len()]];
                let name = format!("update {}", self.postings.len());
                let price = Rewards::price_nano_rho(query).unwrap();
                self.postings
                    .push(Hospital::announce(&self.yard, query.digest().unwrap(), price, &name).await);
            }
            race(&self.yard, &self.yard.head(), strong, weak);
            self.yard.sender.pass().await.unwrap();
            if done % FORK_BLOCKS == FORK_BLOCKS / 2 + 1 {
                self.fork(1 + done / FORK_BLOCKS % 3, strong, weak);
            }
        }
        first
    }

    /// Replaces the last blocks by a branch that is one longer, raced for as any other.
    fn fork(&mut self, depth: u64, strong: Address, weak: Address) {
        let reader = || self.yard.backend.chain().reader().unwrap();
        let old = self.yard.head();
        let mut tip = Arc::clone(&old);
        for _ in 0..depth {
            tip = reader().known_block(tip.block.header.parent_hash).unwrap();
        }
        for _ in 0..=depth {
            tip = race(&self.yard, &tip, strong, weak);
        }
        assert_eq!(self.yard.head().hash, tip.hash, "the longer branch has won over {}", old.hash);
        self.replaced += depth;
    }
}

/// What both miners collect after the run.
struct Collected<'a> {
    yard: &'a Yard,
    rewards: &'a Arc<Rewards>,
    /// The canonical blocks of the run, in their order.
    canonical: &'a [Head],
    pooled: Vec<Vec<u8>>,
    bounties: BTreeMap<Address, u64>,
}

impl Collected<'_> {
    /// Owner = coinbase for every bounty of the canonical chain, and nobody else is given the answer.
    async fn answers(&mut self, view: &View, postings: &[Posting], miners: [Address; 2]) {
        let first = self.canonical[0].block.number;
        for posting in postings {
            let owned = self.yard.contracts.at(view).ownership(to_word(bounty_id(posting))).await.unwrap();
            let owned = owned.expect("every posting is on the canonical chain");
            let carrier = &self.canonical[usize::try_from(owned.block_number - first).unwrap()];
            assert_eq!(owned.owner, carrier.coinbase);
            let other = if owned.owner == miners[0] { miners[1] } else { miners[0] };
            assert!(self.rewards.claim_bounty(other, posting, Arc::new(())).await.is_err());
            let bytes = self.rewards.claim_bounty(owned.owner, posting, Arc::new(())).await.unwrap();
            self.yard.mine(person("somebody").address());
            let manifest = verified(self.yard.folder.path(), &bytes).manifest.unwrap();
            assert!(matches!(
                manifest.occasion,
                Occasion::Bounty { miner, block, .. }
                    if miner == from_chain(owned.owner) && block.hash == Digest(carrier.block.hash.0)
            ));
            assert_eq!(manifest.budget.charging, Charging::Each);
            *self.bounties.entry(owned.owner).or_default() += 1;
            self.pooled.push(bytes);
        }
        self.yard.sender.pass().await.unwrap();
    }

    /// Every block earns a shard; handing shards out costs nobody anything.
    async fn shards(&mut self) {
        let before = self.rewards.ledger().statement().unwrap();
        let mut sizes = BTreeSet::new();
        for (index, head) in self.canonical.iter().enumerate().step_by(CLAIM_BLOCKS) {
            let block = self.yard.backend.chain().reader().unwrap().known_block(head.block.hash).unwrap();
            let bytes = self.rewards.claim_shard(head.coinbase, &claim(&block)).await.unwrap();
            sizes.insert(bytes.len());
            if index % (CLAIM_BLOCKS * 4) == 0 {
                let verification = verified(self.yard.folder.path(), &bytes);
                assert!(verification.valid, "{:#?}", verification.checks);
            }
            self.pooled.push(bytes);
        }
        assert_eq!(sizes.len(), 1, "all shards have one size: {sizes:?}");
        assert_eq!(self.rewards.ledger().statement().unwrap(), before);
    }
}

/// Nobody has lost more than she allowed, although the prices sum to more; how many have no room for another answer.
fn patients_at_their_cap(rewards: &Rewards, hospital: &Hospital) -> usize {
    let price: Rho = "1/50".parse().unwrap();
    let mut at_cap = 0;
    for index in 0..PATIENTS {
        let statement = rewards.ledger().person(hospital.person(index)).unwrap();
        let cap: Rho = CAPS[index % CAPS.len()].parse().unwrap();
        assert_eq!(statement.cap, cap);
        assert!(statement.spent <= cap, "patient {index}: {} of {cap}", statement.spent);
        at_cap += usize::from(&statement.spent + &price > cap);
    }
    at_cap
}

#[expect(clippy::print_stdout, reason = "the figures of docs/REWARDS.md are read off here")]
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_blocks_reward_who_solved_them_in_proportion_and_never_pass_a_patients_cap() {
    let yard = Yard::start().await;
    let (strong, weak) = (person("strong").address(), person("weak").address());
    yard.admit_researcher(strong, "strong institute").await;
    yard.admit_researcher(weak, "weak institute").await;
    let mut hospital = Hospital::open_with(&yard, 160, PATIENTS, |index| CAPS[index % CAPS.len()]).await;
    hospital.options.census_rho = "1/20".parse().unwrap();
    let rewards = hospital.rewards(&yard);
    let census = release(&yard, &rewards, EpochNumber(1)).await;
    let mut run = Run { yard, postings: Vec::new(), replaced: 0 };
    let first = run.mine(strong, weak).await;
    let Run { yard, postings, replaced } = run;
    yard.mine_many(person("somebody").address(), 13);

    // Reward share against hashrate share.
    let view = yard.client.view().await.unwrap();
    let mut canonical = Vec::new();
    for number in first..first + BLOCKS {
        canonical.push(view.at(number).await.unwrap().head().clone());
    }
    let won = |miner: Address| canonical.iter().filter(|head| head.coinbase == miner).count();
    let (won_strong, won_weak) = (won(strong), won(weak));
    assert_eq!(u64::try_from(won_strong + won_weak), Ok(BLOCKS));
    assert!(WEAK_BLOCKS.contains(&won_weak), "the weak miner has {won_weak} of {BLOCKS} blocks");

    let (pooled, bounties) = (Vec::new(), BTreeMap::new());
    let mut collected = Collected { yard: &yard, rewards: &rewards, canonical: &canonical, pooled, bounties };
    collected.answers(&view, &postings, [strong, weak]).await;
    collected.shards().await;
    let at_cap = patients_at_their_cap(&rewards, &hospital);
    assert!(at_cap > 0, "nobody's cap came into play");
    let statement = rewards.ledger().statement().unwrap();
    assert_eq!(statement.spent, census.rho, "one census");
    let prices = statement.individual_prices;
    assert!(prices > "1/2".parse().unwrap(), "the prices of all answers: {prices}");
    println!(
        "{BLOCKS} blocks, {replaced} more replaced: strong {won_strong}, weak {won_weak}; bounties {:?}; {} bundles pooled; \
         prices rho {}; {at_cap} of {PATIENTS} patients without room for another answer",
        collected.bounties.values().collect::<Vec<_>>(),
        collected.pooled.len(),
        prices.to_decimal_text(3)
    );
}
