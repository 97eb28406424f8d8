//! Replacement, limits, eviction and order.

use super::*;
use crate::chain::building::TransactionSource;
use crate::execution::Unexecutable;
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Signature, TxKind};

fn transaction(nonce: u64, fee: u128, tip: u128) -> Arc<Transaction> {
    let unsigned = TxEip1559 {
        chain_id: 1,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(Address::ZERO),
        ..TxEip1559::default()
    };
    // The pool checks no signatures; admission did.
    Arc::new(unsigned.into_signed(Signature::test_signature()).into())
}

fn sender(number: u8) -> Address {
    Address::repeat_byte(number)
}

fn rich(next_nonce: u64) -> SenderState {
    SenderState { next_nonce, balance: U256::MAX }
}

fn pool() -> Pool {
    Pool::new(PoolLimits { transactions: 4, per_sender: 3, ..PoolLimits::default() })
}

fn order(pool: &Pool, base_fee_wei: u64) -> Vec<(Address, u64)> {
    let mut best = pool.best(base_fee_wei);
    std::iter::from_fn(|| best.next()).map(|(tx, sender)| (sender, tx.nonce())).collect()
}

#[test]
fn a_replacement_must_pay_a_tenth_more_in_both_fee_and_tip() {
    let mut pool = pool();
    let first = transaction(0, 1_000, 100);
    pool.add(Arc::clone(&first), sender(1), rich(0)).unwrap();
    assert_eq!(pool.add(Arc::clone(&first), sender(1), rich(0)), Err(RejectedTransaction::AlreadyKnown));
    for (fee, tip) in [(1_099, 110), (1_100, 109), (1_000, 200)] {
        let again = pool.add(transaction(0, fee, tip), sender(1), rich(0));
        assert_eq!(again, Err(RejectedTransaction::ReplacementUnderpriced));
    }
    let removed = pool.add(transaction(0, 1_100, 110), sender(1), rich(0)).unwrap();
    assert_eq!(removed, [*first.tx_hash()]);
    assert_eq!(pool.counts(), (1, 0));
    assert!(pool.transaction(*first.tx_hash()).is_none());
}

#[test]
fn a_gap_in_the_nonces_queues_what_is_behind_it() {
    let mut pool = pool();
    pool.add(transaction(7, 9, 1), sender(1), rich(5)).unwrap();
    pool.add(transaction(5, 9, 1), sender(1), rich(5)).unwrap();
    assert_eq!(pool.counts(), (1, 1));
    assert_eq!(pool.pending_nonce(sender(1)), Some(6));
    pool.add(transaction(6, 9, 1), sender(1), rich(5)).unwrap();
    assert_eq!(pool.counts(), (3, 0));
    assert_eq!(pool.pending_nonce(sender(1)), Some(8));
    assert!(matches!(
        pool.add(transaction(4, 9, 1), sender(1), rich(5)),
        Err(RejectedTransaction::NonceTooLow { next: 5, found: 4 })
    ));
}

#[test]
fn a_full_pool_drops_the_worst_paying_tail_for_a_better_one_only() {
    let mut pool = pool();
    for nonce in 0..3 {
        pool.add(transaction(nonce, 100, 10), sender(1), rich(0)).unwrap();
    }
    assert_eq!(
        pool.add(transaction(3, 100, 99), sender(1), rich(0)),
        Err(RejectedTransaction::NonceTooHigh { next: 0, found: 3, limit: 3 })
    );
    let cheap = transaction(0, 100, 5);
    pool.add(Arc::clone(&cheap), sender(2), rich(0)).unwrap();
    assert_eq!(pool.add(transaction(0, 100, 5), sender(3), rich(0)), Err(RejectedTransaction::AlreadyKnown));
    assert_eq!(pool.add(transaction(1, 100, 4), sender(3), rich(0)), Err(RejectedTransaction::Underpriced));
    let removed = pool.add(transaction(0, 100, 20), sender(3), rich(0)).unwrap();
    assert_eq!(removed, [*cheap.tx_hash()]);
}

#[test]
fn the_best_tip_comes_first_and_nonces_stay_in_order() {
    let mut pool = pool();
    pool.add(transaction(0, 100, 10), sender(1), rich(0)).unwrap();
    pool.add(transaction(1, 100, 90), sender(1), rich(0)).unwrap();
    pool.add(transaction(0, 100, 50), sender(2), rich(0)).unwrap();
    assert_eq!(order(&pool, 0), [(sender(2), 0), (sender(1), 0), (sender(1), 1)]);
    // With a base fee of 60 at most 40 of a tip are left; above 100 nothing pays.
    assert_eq!(order(&pool, 60), [(sender(2), 0), (sender(1), 0), (sender(1), 1)]);
    assert_eq!(order(&pool, 101), []);
}

#[test]
fn a_skipped_transaction_keeps_its_senders_later_ones_out() {
    let mut pool = pool();
    pool.add(transaction(0, 100, 90), sender(1), rich(0)).unwrap();
    pool.add(transaction(1, 100, 90), sender(1), rich(0)).unwrap();
    pool.add(transaction(0, 100, 50), sender(2), rich(0)).unwrap();
    let mut best = pool.best(0);
    assert_eq!(best.next().unwrap().1, sender(1));
    best.skipped(&Unexecutable::BlockGas { wanted: 2, left: 1 });
    assert_eq!(best.next().unwrap().1, sender(2));
    assert!(best.next().is_none());
}

#[test]
fn a_new_head_removes_what_is_mined_and_what_nobody_can_pay() {
    let mut pool = pool();
    pool.add(transaction(0, 100, 10), sender(1), rich(0)).unwrap();
    pool.add(transaction(1, 100, 10), sender(1), rich(0)).unwrap();
    pool.add(transaction(0, 100, 11), sender(2), rich(0)).unwrap();
    let gone = pool
        .update::<()>(|address| {
            Ok(if address == sender(1) {
                rich(1)
            } else {
                SenderState { next_nonce: 0, balance: U256::ZERO }
            })
        })
        .unwrap();
    assert_eq!(gone.len(), 2);
    assert_eq!(order(&pool, 0), [(sender(1), 1)]);
}
