"""Results as text: diffs, tables, JSON. Nothing here decides anything."""
