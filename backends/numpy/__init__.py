"""Programs as readable NumPy source."""
