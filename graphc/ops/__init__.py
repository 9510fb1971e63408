"""What ops there are: one class in one file each, and composites as plain functions."""
