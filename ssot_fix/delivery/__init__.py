"""Results as changes: files written, branches built."""
