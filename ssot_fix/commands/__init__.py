"""What the commands of cli.py do: one module for each that does more than print."""
