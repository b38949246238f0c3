"""The areas: what the audit looks for."""
