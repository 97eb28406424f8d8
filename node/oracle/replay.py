"""Replays a block file through the executable specification of Ethereum (PyPI `ethereum-execution`,
fork `london`) and says which blocks it accepts.

    replay.py GENESIS.json BLOCKS.rlp [MUTANTS.json]

GENESIS.json is the embedded dialect of the node's genesis file; BLOCKS.rlp begins with block 0, as
`geth export` writes it. MUTANTS.json is a list of `{"name", "parent", "rlp"}`: blocks that must be refused
on top of block `parent`.

Two things of the specification are set, none is replaced but for speed: its minimum difficulty, so that
test blocks can be sealed with light hashing, and where its `hashimoto_light` runs. The specification's
own Python takes seconds for a hash; chfast's C++ (PyPI `ethash`), an implementation that shares nothing
with this project either, answers in its place, and every PURE-th block is hashed by both and compared.

One JSON document on standard output; exit code 0 when every block was accepted and every mutant refused.
"""

import copy
import functools
import json
import os
import sys
import time

import ethash as chfast
import ethereum.ethash as spec_ethash
import ethereum.forks.london.fork as london
from ethereum.crypto.hash import keccak256
from ethereum.exceptions import EthereumException
from ethereum.forks.london.blocks import Block
from ethereum.forks.london.fork_types import Account, Address
from ethereum.forks.london.state import State, set_account, set_storage, state_root
from ethereum.forks.london.trie import copy_trie
from ethereum_rlp import rlp
from ethereum_rlp.exceptions import RLPException
from ethereum_types.bytes import Bytes32
from ethereum_types.numeric import U64, U256, Uint

EPOCH_LENGTH = 30000
PURE = int(os.environ.get("MEDREC_ORACLE_PURE", "32"))


def install_ethash():
    """Answers `hashimoto_light` from C++, and checks it against the specification now and then."""
    pure_hashimoto = spec_ethash.hashimoto_light
    pure_cache = functools.lru_cache(None)(spec_ethash.generate_cache)
    compared = []

    class Cache:
        """Stands for a light cache: remembers the block that it was made for."""

        def __init__(self, number):
            self.number = number

    def hashimoto_light(header_hash, nonce, cache, dataset_size):
        number = int(cache.number)
        final, mix = chfast.hash(
            number // EPOCH_LENGTH, bytes(header_hash), int.from_bytes(bytes(nonce), "big")
        )
        if PURE and number % PURE == 1 and len(compared) < 3:
            expected = pure_hashimoto(header_hash, nonce, pure_cache(Uint(0)), dataset_size)
            assert (bytes(expected[0]), bytes(expected[1])) == (mix, final), "C++ and specification differ"
            compared.append(number)
        return mix, Bytes32(final)

    london.generate_cache = Cache
    london.hashimoto_light = hashimoto_light
    return compared


def copy_state(state):
    copied = State()
    copied._main_trie = copy_trie(state._main_trie)
    copied._storage_tries = {key: copy_trie(trie) for key, trie in state._storage_tries.items()}
    return copied


def hex_bytes(text):
    return bytes.fromhex(text[2:])


def genesis_state(genesis):
    state = State()
    for address, account in genesis["alloc"].items():
        key = Address(hex_bytes(address))
        code = hex_bytes(account.get("code", "0x"))
        nonce = Uint(int(account.get("nonce", "0x0"), 16))
        set_account(state, key, Account(nonce, U256(int(account["balance"], 16)), code))
        for slot, value in account.get("storage", {}).items():
            set_storage(state, key, Bytes32(hex_bytes(slot)), U256(int(value, 16)))
    return state


def items(data):
    """The RLP items that follow each other in `data`."""
    at = 0
    while at < len(data):
        first = data[at]
        if first < 0xC0:
            raise ValueError(f"byte {at}: no RLP list")
        if first <= 0xF7:
            end = at + 1 + first - 0xC0
        else:
            width = first - 0xF7
            end = at + 1 + width + int.from_bytes(data[at + 1 : at + 1 + width], "big")
        yield data[at:end]
        at = end


def decode_block(data):
    return rlp.decode_to(Block, data)


def refusal(chain, data):
    """The name of the exception that `data` meets on top of `chain`; None when it is accepted."""
    try:
        london.state_transition(chain, decode_block(data))
    except (EthereumException, RLPException) as error:
        return type(error).__name__
    return None


def main():
    genesis = json.load(open(sys.argv[1], encoding="utf-8"))
    blocks = list(items(open(sys.argv[2], "rb").read()))
    mutants = json.load(open(sys.argv[3], encoding="utf-8")) if len(sys.argv) > 3 else []
    london.MINIMUM_DIFFICULTY = Uint(int(os.environ["MEDREC_ORACLE_MINIMUM_DIFFICULTY"]))
    compared = install_ethash()
    first = decode_block(blocks[0])
    state = genesis_state(genesis)
    assert first.header.state_root == state_root(state), "the genesis state root differs"
    chain = london.BlockChain([first], state, U64(genesis["config"]["chainId"]))
    report = {"accepted": 0, "refused": [], "mutants": {}, "transactions": 0, "ommers": 0}
    states = {0: copy_state(state)}
    wanted = {mutant["parent"] for mutant in mutants}
    started = time.time()
    decoded = [first]
    for data in blocks[1:]:
        why = refusal(chain, data)
        if why is not None:
            report["refused"].append({"number": len(decoded), "why": why})
            break
        block = decode_block(data)
        decoded.append(block)
        report["accepted"] += 1
        report["transactions"] += len(block.transactions)
        report["ommers"] += len(block.ommers)
        if int(block.header.number) in wanted:
            states[int(block.header.number)] = copy_state(chain.state)
    for mutant in mutants:
        parent = mutant["parent"]
        branch = london.BlockChain(
            decoded[max(0, parent - 255) : parent + 1], copy_state(states[parent]), chain.chain_id
        )
        report["mutants"][mutant["name"]] = refusal(branch, hex_bytes(mutant["rlp"]))
    report["head"] = "0x" + keccak256(rlp.encode(decoded[-1].header)).hex()
    report["seals_compared"] = compared
    report["seconds"] = round(time.time() - started, 1)
    print(json.dumps(report))
    survivors = [name for name, why in report["mutants"].items() if why is None]
    return 1 if report["refused"] or survivors else 0


if __name__ == "__main__":
    sys.exit(main())
