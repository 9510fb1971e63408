"""Proof on values: after every pass, the old and the new form give the same."""
