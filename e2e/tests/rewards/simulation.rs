//! 1,000 blocks of two miners, one with ten times the hashrate of the other, with re-organisations and bounties.
//!
//! The race is a real one: of eleven hashes in a row ten are the strong miner's, whoever's hash is below the boundary first has
//! the block. Figures are printed with `--no-capture`; docs/REWARDS.md names them.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, U256};
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
const WEAK_BLOCKS: std::ops::RangeInclusive<u64> = 50..=138;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_blocks_reward_who_solved_them_in_proportion_and_never_pass_a_patients_cap() {
    let yard = Yard::start().await;
    let (strong, weak) = (person("strong").address(), person("weak").address());
    yard.admit_researcher(strong, "strong institute").await;
    yard.admit_researcher(weak, "weak institute").await;
    let caps = ["1/2", "1/10", "3/20", "2"];
    let mut hospital = Hospital::open_with(&yard, 160, 16, |index| caps[index % caps.len()]).await;
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
    let won = |miner: Address| {
        u64::try_from(canonical.iter().filter(|head| head.coinbase == miner).count()).unwrap()
    };
    assert_eq!(won(strong) + won(weak), BLOCKS);
    assert!(WEAK_BLOCKS.contains(&won(weak)), "the weak miner has {} of {BLOCKS} blocks", won(weak));

    // Owner = coinbase for every bounty of the canonical chain, and nobody else is given the answer.
    let mut pooled: Vec<Vec<u8>> = Vec::new();
    let mut bounties: BTreeMap<Address, u64> = BTreeMap::new();
    for posting in &postings {
        let owned = yard.contracts.at(&view).ownership(to_word(bounty_id(posting))).await.unwrap();
        let owned = owned.expect("every posting is on the canonical chain");
        let carrier = &canonical[usize::try_from(owned.block_number - first).unwrap()];
        assert_eq!(owned.owner, carrier.coinbase);
        let other = if owned.owner == strong { weak } else { strong };
        assert!(rewards.claim_bounty(other, posting, Arc::new(())).await.is_err());
        let bytes = rewards.claim_bounty(owned.owner, posting, Arc::new(())).await.unwrap();
        yard.mine(person("somebody").address());
        let manifest = verified(yard.folder.path(), &bytes).manifest.unwrap();
        assert!(matches!(
            manifest.occasion,
            Occasion::Bounty { miner, block, .. }
                if miner == from_chain(owned.owner) && block.hash == Digest(carrier.block.hash.0)
        ));
        assert_eq!(manifest.budget.charging, Charging::Each);
        *bounties.entry(owned.owner).or_default() += 1;
        pooled.push(bytes);
    }
    yard.sender.pass().await.unwrap();

    // Every block earns a shard; handing shards out costs nobody anything.
    let before = rewards.ledger().statement().unwrap();
    let mut sizes = std::collections::BTreeSet::new();
    for (index, head) in canonical.iter().enumerate().step_by(CLAIM_BLOCKS) {
        let block = yard.backend.chain().reader().unwrap().known_block(head.block.hash).unwrap();
        let bytes = rewards.claim_shard(head.coinbase, &claim(&block)).await.unwrap();
        sizes.insert(bytes.len());
        if index % (CLAIM_BLOCKS * 4) == 0 {
            let verification = verified(yard.folder.path(), &bytes);
            assert!(verification.valid, "{:#?}", verification.checks);
        }
        pooled.push(bytes);
    }
    assert_eq!(sizes.len(), 1, "all shards have one size: {sizes:?}");
    assert_eq!(rewards.ledger().statement().unwrap(), before);

    // All bundles of all miners pooled: nobody has lost more than she allowed, although the prices sum to more.
    let price: Rho = before.individual_prices.clone();
    let mut at_cap = 0;
    for index in 0..16 {
        let statement = rewards.ledger().person(hospital.person(index)).unwrap();
        let cap: Rho = caps[index % caps.len()].parse().unwrap();
        assert_eq!(statement.cap, cap);
        assert!(statement.spent <= cap, "patient {index}: {} of {cap}", statement.spent);
        at_cap += usize::from(&statement.spent + &"1/50".parse().unwrap() > cap);
    }
    assert!(price > "1/2".parse().unwrap(), "the prices of all answers: {price}");
    assert!(at_cap > 0, "nobody's cap came into play");
    assert_eq!(before.spent, census.rho, "one census");
    println!(
        "{BLOCKS} blocks ({replaced} replaced): strong {} weak {}; bounties {bounties:?}; {} bundles pooled; \
         prices {price}; {at_cap} of 16 patients at their cap",
        won(strong),
        won(weak),
        pooled.len()
    );
}
