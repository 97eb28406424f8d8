//! `medrec demo`: the whole of MedRec on one machine, in about a minute.
//!
//! An embedded chain, three providers with databases of different kinds, patients who share all, a part or nothing, two miners
//! with coinbases of their own; in the end there are verified bundles on disk. Everything is real: real gatekeepers on real
//! ports, real proof of work, real noise. Only the people are invented, unless `--data` names an export.
//!
//! Chain, databases and keys lie in a temporary folder that vanishes; the bundles stay. A signal leaves nothing.

mod calendar;
mod chain;
mod harvest;
mod miners;
mod narrator;
mod outcome;
mod people;
mod population;
mod providers;
mod rigs;
mod story;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use medrec_chain::{Client, ClientOptions, Network, Sender};
use medrec_node::spec::DEV_CHAIN_ID;
use medrec_wallet::collector::Happening;
use medrec_wallet::consent::nano_rho;
use medrec_wallet::provider::{InstitutionRole, VoteOutcome, admit, declare_cap, deploy};
use medrec_wallet::{Account, Place, WalletError};
use tempfile::TempDir;

use self::chain::RunningChain;
use self::harvest::{Bundle, Tally};
use self::miners::Researcher;
use self::narrator::Narrator;
use self::outcome::Outcome;
use self::providers::{Founder, Provider};
use self::rigs::{Rigs, Wish};
use crate::args::DemoArguments;
use crate::exit::{Interrupted, Usage};
use crate::interrupt;
use crate::shell::Shell;

pub(super) fn run(arguments: &DemoArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let wish = Wish::of(arguments)?;
    let out = out_folder(arguments.out.as_deref())?;
    interrupt::flag()?;
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let folder = TempDir::with_prefix("medrec-demo-").context("no temporary folder")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut narrator = Narrator::new(shell);
    let result = runtime.block_on(async {
        tokio::select! {
            result = play(arguments, wish, &out, folder.path(), &mut narrator) => result,
            () = interrupt::requested() => Err(Interrupted("interrupted; nothing was left behind".to_owned()).into()),
        }
    });
    // Nobody writes any more when the folder goes.
    runtime.shutdown_timeout(Duration::from_secs(5));
    let path = folder.path().display().to_string();
    folder.close().with_context(|| format!("cannot delete {path}"))?;
    match result {
        Ok(outcome) => outcome.tell(narrator.shell()),
        Err(error) => {
            // What was there before is not ours; the folder is new. The first error is the one to tell.
            let _ = std::fs::remove_dir_all(&out);
            Err(error)
        }
    }
}

/// The folder of the results: new, so that nothing of anybody's is touched.
fn out_folder(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let out = match named {
        Some(named) => named.to_path_buf(),
        None => PathBuf::from(format!("medrec-demo-{}", calendar::now_s())),
    };
    if out.exists() {
        let text = format!("{} exists already\n\nhint: --out takes a folder that does not", out.display());
        return Err(Usage(text).into());
    }
    std::path::absolute(&out).with_context(|| format!("cannot tell where {} is", out.display()))
}

async fn play(
    arguments: &DemoArguments,
    wish: Wish,
    out: &Path,
    folder: &Path,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<Outcome> {
    let practices = practices(arguments, folder, narrator).await?;
    let mut founders = Vec::new();
    for practice in practices {
        founders.push(Founder::new(practice).await?);
    }
    let researchers = Researcher::two();
    for sentence in wish.in_words() {
        narrator.tell(&sentence);
    }
    let rigs = wish.fulfil().await?;
    let difficulty = chain::difficulty(rigs.hashrate_hps())?;
    let funded: Vec<_> = founders.iter().map(|founder| founder.signer.address()).collect();
    let coinbase = researchers.first().context("no researcher")?.signer.address();
    let chain = RunningChain::start(&folder.join("chain"), difficulty, &funded, coinbase).await?;
    let mut miners = Vec::new();
    for (researcher, rig) in researchers.iter().zip(&rigs.each) {
        miners.push(researcher.mine(&chain.url, rig, &rigs).await?);
    }
    narrator.tell(&format!("a chain of difficulty {difficulty} at {}", chain.url));
    for sentence in rigs.remarks.iter().chain(&rigs.in_words(&miners::NAMES)) {
        narrator.tell(sentence);
    }
    let (place, network) = found(&chain.url, &founders, &researchers, folder, narrator).await?;
    let mut providers = Vec::new();
    for (index, founder) in founders.into_iter().enumerate() {
        let state = folder.join(format!("gatekeeper-{}", index + 1));
        providers.push(founder.open(&state, &place, &network, &chain.url).await?);
    }
    let stage = Stage {
        arguments,
        out,
        place: &place,
        providers: &providers,
        researchers: &researchers,
        rigs: &rigs,
        miners: &miners,
    };
    let outcome = stage.play(narrator).await?;
    for miner in miners {
        miner.stop().await;
    }
    for provider in providers {
        provider.stop().await?;
    }
    chain.stop().await?;
    Ok(outcome)
}

/// Three databases of different kinds.
async fn practices(
    arguments: &DemoArguments,
    folder: &Path,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<Vec<population::Practice>> {
    let (folder, data, seed) = (folder.to_path_buf(), arguments.data.clone(), arguments.seed);
    let year = calendar::this_year()?;
    let practices = tokio::task::spawn_blocking(move || match data {
        Some(data) => population::divided(&folder, &data),
        None => population::invented(&folder, seed, year),
    });
    let practices = practices.await??;
    for practice in &practices {
        narrator.tell(&format!(
            "{}: {} patients in {}",
            practice.name,
            practice.patients.len(),
            practice.kind
        ));
    }
    Ok(practices)
}

/// Step 1: the providers found the network and let the researchers in.
async fn found(
    node: &str,
    founders: &[Founder],
    researchers: &[Researcher],
    folder: &Path,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<(Place, Network)> {
    narrator.step(1, "three providers put the contracts on the chain and admit two researchers by vote");
    let client = Client::new(ClientOptions::new([node], DEV_CHAIN_ID))?;
    client.wait_until_ready(Duration::from_secs(30)).await?;
    let outbox = |index: usize| folder.join(format!("founding-{index}.redb"));
    let first = founders.first().context("no founder")?;
    let candidates: Vec<_> = founders.iter().map(Founder::candidate).collect();
    let network = {
        let key = std::sync::Arc::new(first.signer.clone());
        let sender = Sender::open(client, key, &outbox(0), providers::quick())?;
        deploy(&sender, &candidates, &folder.join("network.json")).await?
    };
    let place = Place::new(&network, [node])?;
    let mut acts = tokio::task::JoinSet::new();
    for (index, founder) in founders.iter().enumerate() {
        let account = Account::open(place.clone(), founder.signer.clone(), &outbox(index), 1)?;
        let asked: Vec<_> = researchers
            .iter()
            .map(|one| providers::candidate(&one.signer, InstitutionRole::Researcher, one.name, ""))
            .collect();
        acts.spawn(async move {
            // Two of three votes are the majority; a third one would find the ballot closed.
            let ballots = asked.iter().filter(|_| index < 2).map(|candidate| admit(&account, candidate));
            let cap = declare_cap(&account, nano_rho(&providers::rho(providers::CAP)?)?);
            let (votes, cap) = tokio::join!(in_turn(ballots), cap);
            cap?;
            votes
        });
    }
    while let Some(done) = acts.join_next().await {
        done.context("a provider's task ended")??;
    }
    narrator.tell(
        "five contracts stand; nobody owns them; each provider declared the most that it will ever release",
    );
    Ok((place, network))
}

/// Votes, one after the other.
async fn in_turn(
    ballots: impl Iterator<Item = impl Future<Output = Result<VoteOutcome, WalletError>>>,
) -> anyhow::Result<()> {
    for ballot in ballots {
        ballot.await?;
    }
    Ok(())
}

/// Everybody is there; the story begins.
struct Stage<'a> {
    arguments: &'a DemoArguments,
    out: &'a Path,
    place: &'a Place,
    providers: &'a [Provider],
    researchers: &'a [Researcher],
    rigs: &'a Rigs,
    miners: &'a [medrec_miner::MinerHandle],
}

impl Stage<'_> {
    async fn play(&self, narrator: &mut Narrator<'_>) -> anyhow::Result<Outcome> {
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let mut harvests = Vec::new();
        for (index, researcher) in self.researchers.iter().enumerate() {
            let folder = self.out.join(format!("researcher-{}", index + 1));
            harvests.push(harvest::Harvest::start(self.place, researcher, &folder, &told)?);
        }
        let provider = self.providers.first().context("no provider")?;
        let patients = usize::try_from(self.arguments.patients)?;
        let cap = providers::rho(providers::CAP)?;
        // The crowd comes first: a consent counts from its twelfth confirmation on.
        let decisions = story::decide(self.providers, patients, &cap, narrator).await?;
        let since = self.place.view().await?.head().block.number;
        let patient = story::relate(provider, narrator).await?;
        let posting = story::post(provider, &patient, narrator).await?;
        story::share(provider, &patient, narrator).await?;
        self.wait_for(since + 13, narrator).await?;
        let censuses = story::census(self.providers, calendar::this_year()?, narrator).await?;
        let bundles = self.collect(harvests, &mut heard, narrator).await?;
        let blocks = self.place.view().await?.head().block.number;
        let found = outcome::Found { decisions, posting, censuses, bundles, blocks };
        let mining = outcome::Mining { researchers: self.researchers, rigs: self.rigs, miners: self.miners };
        Outcome::new(self.out, self.providers, &mining, found, narrator.seconds())
    }

    /// Waits for a block.
    async fn wait_for(&self, number: u64, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
        narrator
            .tell(&format!("waiting for block {number}: consents count from their twelfth confirmation on"));
        while self.place.view().await?.head().block.number < number {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Follows the collectors until everybody has something, or the blocks are used up.
    async fn collect(
        &self,
        harvests: Vec<harvest::Harvest>,
        heard: &mut tokio::sync::mpsc::UnboundedReceiver<(&'static str, Happening)>,
        narrator: &mut Narrator<'_>,
    ) -> anyhow::Result<Vec<Vec<Bundle>>> {
        narrator.tell("blocks earn from the twelfth block on, and claims wait for twelve confirmations");
        let (mut tally, mut look) = (Tally::default(), tokio::time::interval(Duration::from_secs(5)));
        while !tally.is_full(self.researchers.len()) {
            tokio::select! {
                happened = heard.recv() => {
                    let (name, happening) = happened.context("the collectors ended")?;
                    if let Some(sentence) = tally.take(name, &happening) {
                        narrator.tell(&sentence);
                    }
                }
                _ = look.tick() => {
                    let number = self.place.view().await?.head().block.number;
                    let statistics: Vec<_> = self.miners.iter().map(medrec_miner::MinerHandle::statistics).collect();
                    narrator.tell(&format!("block {number}; {}", miners::in_words(&statistics)));
                    if number >= self.arguments.blocks {
                        break;
                    }
                }
            }
        }
        let mut bundles = Vec::new();
        for harvest in harvests {
            bundles.push(harvest.finish().await?);
        }
        Ok(bundles)
    }
}
