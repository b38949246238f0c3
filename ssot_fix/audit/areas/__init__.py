"""What is audited: one module for each area, each told by a text alone what a file has to do with it."""
