"""Derivatives of graphs as graphs.  Knows nodes and the rules that ops carry; knows no op by name."""
