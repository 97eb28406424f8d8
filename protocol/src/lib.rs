//! What wallets and gatekeepers say to each other.
