"""Checks for users and for our own tests."""
