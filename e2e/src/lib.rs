//! Tests of rooms together; see `tests/`.
//!
//! What: nothing but tests lives here. Why here: this is the one room that may know all others, so that what they promise each
//! other is tried as a network would run them. What not: the insides of any room, and code that another room could use.
