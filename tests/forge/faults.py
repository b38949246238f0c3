"""What a test can have go wrong with the requests to come."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from threading import Event
from typing import Literal

from .messages import NO_ANSWER, Answer, Request, error_answer

Kind = Literal[
    "secondary-rate-limit",
    "primary-rate-limit",
    "error-before",
    "error-after",
    "slow-before",
    "slow-after",
    "drop-before",
    "drop-after",
]
_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass
class Fault:
    """What is to go wrong with the next `times` requests of `method` whose path and query match `path`, a regex.

    "-before" strikes before the work is done, "-after" when it is. A slow request goes on when the test sets
    `release`, or the client hangs up. `struck` is set when the fault strikes, `over` when its request has been dealt
    with. `wait` is what a rate limit tells the client to wait, in seconds.

    git's client (curl) repeats once a request whose connection was dropped: a drop that git is to see has `times=2`.
    """

    method: str
    path: str
    kind: Kind
    times: int = 1
    wait: int = 0
    release: Event = field(default_factory=Event)
    struck: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)

    def matches(self, request: Request) -> bool:
        """Tell whether it is meant for this request."""
        return self.method == request.method and re.search(self.path, request.target) is not None

    @property
    def does_the_work(self) -> bool:
        """Whether what was asked for is done all the same."""
        return self.kind.startswith("slow") or self.kind.endswith("after")

    def answer(self, normal: Answer) -> Answer:
        """Give the answer, where `normal` is the one without the fault."""
        match self.kind:
            case "slow-before" | "slow-after":
                return normal
            case "drop-before" | "drop-after":
                return NO_ANSWER
            case "error-before" | "error-after":
                return error_answer(502, "Server Error")
            case "secondary-rate-limit":
                return error_answer(403, _SECONDARY, {"Retry-After": str(self.wait)})
            case "primary-rate-limit":
                return error_answer(403, "API rate limit exceeded for user ID 1.", self._no_calls_left())

    def _no_calls_left(self) -> dict[str, str]:
        reset = str(int(time.time()) + self.wait)
        return {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
