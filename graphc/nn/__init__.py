"""Layers, losses and initialisers: plain graph code."""
