"""Faults on the way to a server, and the policies that choose them: by rules, or by a seed.

With a seed, the fault of a request depends only on the number of earlier requests of its kind. So a seed has the same
effects again if the requests come in the same order.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from fnmatch import fnmatchcase

from tests.support.s3_requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of one request. Fields that are left out have their normal behaviour."""

    name: str
    takes_effect: bool = False
    """Whether the server gets the request and carries it out, but its answer does not arrive."""
    status: int | None = None
    """The status of the answer. With None, the connection ends, after a share of the answer if ``answered`` is set."""
    code: str = ""
    retry_after: int | None = None
    received: float | None = None
    """The share of the request's body after which the connection ends for both sides."""
    answered: float | None = None
    """The share of the answer's body after which the connection ends."""
    act: Callable[[Request], None] | None = None
    """A function that is called before the connection ends, and after the effect of the request, if any."""


SLOW_DOWN = Fault(name="503", status=503, code="SlowDown")
UNAVAILABLE = Fault(name="503 plain", status=503)
INTERNAL = Fault(name="500", status=500, code="InternalError")
TOO_MANY = Fault(name="429", status=429, code="TooManyRequests", retry_after=1)
CLOSED = Fault(name="closed")
CUT_REQUEST = Fault(name="cut request", received=0.5)
CUT = Fault(name="cut", takes_effect=True, answered=0.5)
LOST = Fault(name="lost", takes_effect=True)
LOST_500 = Fault(name="lost, 500", takes_effect=True, status=500, code="InternalError")
LOST_503 = Fault(name="lost, 503", takes_effect=True, status=503, code="SlowDown")

OF_READS = (SLOW_DOWN, UNAVAILABLE, INTERNAL, CLOSED, CUT, CUT)
OF_WRITES = (SLOW_DOWN, INTERNAL, CLOSED, CUT_REQUEST, LOST, LOST, LOST, LOST_500, LOST_503, CUT)


def kill(act: Callable[[Request], None], *, after: bool) -> Fault:
    """Return a fault whose ``act`` kills the client before the server gets the request, or ``after`` its effect."""
    return Fault(name="killed", takes_effect=after, act=act)


Policy = Callable[[Request], Fault | None]


def nothing(request: Request) -> Fault | None:
    """Return no fault."""
    return None


@dataclass(frozen=True, slots=True)
class Rule:
    fault: Fault
    _: KW_ONLY
    operation: str = "*"
    """With wildcards, as ``key`` has them."""
    key: str = "*"
    after: int = 0
    """So many that match pass unharmed first."""
    times: int | None = 1
    """So many are hit then; None: all."""
    each: bool = False
    """Whether requests are counted separately for each key."""

    def matches(self, request: Request) -> bool:
        return fnmatchcase(request.operation, self.operation) and fnmatchcase(request.key, self.key)


class Rules:
    """A policy of rules. The first rule that matches a request decides."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules
        self._lock = threading.Lock()
        self._seen: Counter[tuple[int, str]] = Counter()

    def __call__(self, request: Request) -> Fault | None:
        found = None
        with self._lock:
            for index, rule in enumerate(self._rules):
                if not rule.matches(request):
                    continue
                counted = (index, request.key if rule.each else "")
                seen = self._seen[counted] - rule.after
                self._seen[counted] += 1
                if found is None and seen >= 0 and (rule.times is None or seen < rule.times):
                    found = rule.fault
        return found


class Seeded:
    """A policy of random faults for a ``share`` of the requests; the same request fails at most ``in_a_row`` times."""

    def __init__(
        self,
        seed: int,
        *,
        share: float,
        in_a_row: int = 2,
        of_reads: Sequence[Fault] = OF_READS,
        of_writes: Sequence[Fault] = OF_WRITES,
    ) -> None:
        self._seed = seed
        self._share = share
        self._in_a_row = in_a_row
        self._of_reads = of_reads
        self._of_writes = of_writes
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._harmed: Counter[tuple[str, ...]] = Counter()

    def __call__(self, request: Request) -> Fault | None:
        range_ = request.headers.get("range", "")
        same = (request.operation, request.bucket, request.key, str(sorted(request.query.items())), range_)
        with self._lock:
            seen = self._seen[request.operation]
            self._seen[request.operation] += 1
            choice = random.Random(f"{self._seed} {request.operation} {seen}")
            if choice.random() >= self._share or self._harmed[same] >= self._in_a_row:
                self._harmed[same] = 0
                return None
            self._harmed[same] += 1
        return choice.choice(self._of_reads if request.is_read else self._of_writes)
