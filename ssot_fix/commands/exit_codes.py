"""What the commands exit with."""

from __future__ import annotations

DONE, FOUND_WORK, FAILED = 0, 1, 2
