"""Rewrite rules, written as identities."""
