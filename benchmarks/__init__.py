"""What graphc costs, beside what does the same.  Every module here runs on its own; see README.md."""
