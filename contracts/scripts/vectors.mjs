// What: has forge write vectors/eip712.json anew.
// Why here: the gate only compares; after a meant change of a signed type this writes the new digests. What not: no other test.
import { forgePath, run } from "./tools.mjs";

run(forgePath(), ["test", "--match-path", "test/Vectors.t.sol"], { WRITE_VECTORS: "true" });
