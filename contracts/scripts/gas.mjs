// What: runs the gas tests and rewrites snapshots/transaction.json.
// Why here: the gate only compares; after a meant change this writes the new figures. What not: no other test.
import { forgePath, run } from "./tools.mjs";

run(forgePath(), ["test", "--isolate", "--match-path", "test/Gas.t.sol"]);
