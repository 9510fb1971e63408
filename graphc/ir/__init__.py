"""Nodes, the contract of ops, the few ops that operators need, and graphs."""
