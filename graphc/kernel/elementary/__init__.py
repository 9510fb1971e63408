"""The elementary functions in terms of arithmetic, comparisons and bits: for backends that have no library of them."""
