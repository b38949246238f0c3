"""What the environment is called: where it is reached, and under which names modules hold it."""

from __future__ import annotations

MAPPINGS = ("os.environ", "os.environb")
FUNCTIONS = ("os.getenv", "os.getenvb", "os.putenv", "os.unsetenv")
ENTRIES = frozenset((*MAPPINGS, *FUNCTIONS))
NAMES = frozenset(entry.partition(".")[2] for entry in ENTRIES)
SEEDS = frozenset({"os", *NAMES})
# The names under which modules hold these and others may take or patch them.
SHARED_NAMES = SEEDS | {"_os", "_environ", "_getenv", "os.getenv"}
