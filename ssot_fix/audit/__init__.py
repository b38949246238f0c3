"""The audit: what of a code base goes round its single sources of truth, since when, and what became of what went."""
