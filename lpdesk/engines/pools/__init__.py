"""AMM pools, integer-exact as on chain: one file a curve. Amounts in a token's smallest unit."""
