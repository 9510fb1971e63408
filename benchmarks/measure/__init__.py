"""How things are timed and how figures are printed."""
