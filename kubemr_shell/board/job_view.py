"""The state of a job as a value, and as it stands in ``status`` of a MapReduceJob document. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kubemr_shell.board.documents import Document
from kubemr_shell.board.layout import Layout
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard import Reopening
from kubemr_shell.job.state import JobState, Phase

Counters = Mapping[str, Mapping[str, int]]
"""Group, name, amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """What the planner found; fixed from then on, but for the spec of a retry."""

    claim_id: str
    """The splits stand under the id of the claim that wrote them."""
    tasks: int
    """Map tasks."""
    partitions: int
    spec: Mapping[str, Any]
    """Resolved: nothing in it depends on the machine any more."""
    fingerprint: str
    input_bytes: int
    layouts: Mapping[Phase, Layout] = field(default_factory=dict)
    """The shards of each phase; filled in when the plan is recorded."""

    @property
    def map_only(self) -> bool:
        return self.partitions == 0

    @property
    def output_phase(self) -> Phase:
        """The phase whose tasks write the parts."""
        return Phase.MAP if self.map_only else Phase.REDUCE

    @property
    def phases(self) -> tuple[Phase, ...]:
        return (Phase.MAP, Phase.PUBLISH) if self.map_only else (Phase.MAP, Phase.REDUCE, Phase.PUBLISH)

    def with_layouts(self, agents: int) -> PlanFacts:
        """One task of PUBLISH publishes one shard of the output phase. No more agents than tasks hold any of them."""
        layouts = {Phase.MAP: Layout.of(self.tasks, agents), Phase.REDUCE: Layout.of(self.partitions, agents)}
        publishing = layouts[self.output_phase].shards
        layouts[Phase.PUBLISH] = Layout.of(publishing, min(agents, publishing))
        return replace(self, layouts=layouts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Who plans, or who finishes."""

    worker: str
    id: str
    beat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """All that the board knows of a job, at one moment."""

    state: JobState
    spec: Mapping[str, Any]
    """The plan's, once there is one."""
    plan: PlanFacts | None = None
    turn: int = 0
    """Raised and tested by every write but renewals, so that each decision stands on the one before."""
    epoch: int = 0
    """The number of reopenings so far; part of the names of manifests."""
    bases: Mapping[Phase, int] = field(default_factory=dict)
    """The epoch in which the shards of a phase were begun anew, part of their names; 0 where they never were."""
    retry: int = 0
    """How often the job was retried after its end."""
    publishing: bool = False
    """The point of no return is passed: parts may be visible."""
    closed: Mapping[Phase, Ranges] = field(default_factory=dict)
    counted: Mapping[Phase, Ranges] = field(default_factory=dict)
    """Shards whose counters are in ``counters``; a reopened shard stays here."""
    reopened: Mapping[Phase, Mapping[int, tuple[Reopening, ...]]] = field(default_factory=dict)
    """By shard, the orders since it was last closed; tasks as numbered in the shard."""
    counters: Mapping[Phase, Counters] = field(default_factory=dict)
    totals: Mapping[Phase, Mapping[str, Any]] = field(default_factory=dict)
    planner: Role | None = None
    finisher: Role | None = None
    failure: Mapping[str, Any] | None = None
    results: Mapping[str, Any] | None = None
    cleaned: bool = False
    lost: frozenset[str] = frozenset()
    """Workers of which the operator knows that they are gone. No worker writes it."""

    @property
    def phase(self) -> Phase | None:
        """The phase that is worked on now."""
        return Phase[self.state.name] if self.state.name in Phase.__members__ else None

    def layout(self, phase: Phase) -> Layout:
        return self.plan.layouts[phase] if self.plan else Layout.of(0, 1)

    def base(self, phase: Phase) -> int:
        return self.bases.get(phase, 0)

    def closed_shards(self, phase: Phase) -> Ranges:
        return self.closed.get(phase, Ranges())

    def is_closed(self, phase: Phase) -> bool:
        return len(self.closed_shards(phase)) == self.layout(phase).shards

    def orders(self, phase: Phase, shard: int) -> tuple[Reopening, ...]:
        return self.reopened.get(phase, {}).get(shard, ())

    def shard_epoch(self, phase: Phase, shard: int) -> int:
        """The epoch under which the manifest of a closed shard stands."""
        return max([self.base(phase), *(order.epoch for order in self.orders(phase, shard))])

    def closed_tasks(self, phase: Phase) -> int:
        """The number of tasks in closed shards."""
        layout = self.layout(phase)
        return sum(layout.count(shard) for shard in self.closed_shards(phase))


def parse_job(document: Document) -> JobView:
    """The state in a MapReduceJob document; one without status is not valid yet and counts as PENDING."""
    status = document.get("status") or {}
    plan = _parse_plan(status.get("plan"))
    return JobView(
        state=JobState(status.get("state", JobState.PENDING.value)),
        spec=plan.spec if plan else document["spec"],
        plan=plan,
        bases=_by_phase(status.get("bases"), int),
        closed=_by_phase(status.get("closed"), Ranges.parse),
        counted=_by_phase(status.get("counted"), Ranges.parse),
        reopened=_by_phase(status.get("reopened"), _parse_orders),
        counters=_by_phase(status.get("counters"), dict),
        totals=_by_phase(status.get("totals"), dict),
        planner=_parse_role(status.get("planner")),
        finisher=_parse_role(status.get("finisher")),
        lost=frozenset(status.get("lost") or ()),
        **{name: status[name] for name in _PLAIN if name in status},
    )


_PLAIN = ("turn", "epoch", "retry", "publishing", "failure", "results", "cleaned")


def format_status(view: JobView) -> dict[str, Any]:
    """The reverse of ``parse_job``."""
    return {
        "state": view.state.value,
        "plan": _format_plan(view.plan),
        "bases": {phase.value: base for phase, base in view.bases.items()},
        "closed": {phase.value: str(shards) for phase, shards in view.closed.items()},
        "counted": {phase.value: str(shards) for phase, shards in view.counted.items()},
        "reopened": {phase.value: _format_orders(orders) for phase, orders in view.reopened.items()},
        "counters": {phase.value: counters for phase, counters in view.counters.items()},
        "totals": {phase.value: totals for phase, totals in view.totals.items()},
        "planner": _format_role(view.planner),
        "finisher": _format_role(view.finisher),
        **{name: getattr(view, name) for name in _PLAIN},
    }


def _by_phase(mapping: Mapping[str, Any] | None, parse: Any) -> dict[Phase, Any]:
    return {Phase(phase): parse(value) for phase, value in (mapping or {}).items()}


def _parse_orders(mapping: Mapping[str, str]) -> dict[int, tuple[Reopening, ...]]:
    return {int(shard): tuple(map(_parse_order, text.split(","))) for shard, text in mapping.items()}


def _parse_order(text: str) -> Reopening:
    epoch, task, attempt = text.split(".")
    return Reopening(epoch=int(epoch), task=int(task), attempt=int(attempt) if attempt else None)


def _format_orders(orders: Mapping[int, tuple[Reopening, ...]]) -> dict[str, str]:
    return {
        str(shard): ",".join(
            f"{order.epoch}.{order.task}.{'' if order.attempt is None else order.attempt}" for order in of_shard
        )
        for shard, of_shard in orders.items()
    }


def _parse_role(role: Mapping[str, Any] | None) -> Role | None:
    return Role(worker=role["w"], id=role["id"], beat=role["hb"]) if role else None


def _format_role(role: Role | None) -> dict[str, Any] | None:
    return {"w": role.worker, "id": role.id, "hb": role.beat} if role else None


def _parse_plan(plan: Mapping[str, Any] | None) -> PlanFacts | None:
    if not plan:
        return None
    return PlanFacts(
        claim_id=plan["claim"],
        tasks=plan["tasks"],
        partitions=plan["partitions"],
        spec=plan["spec"],
        fingerprint=plan["fingerprint"],
        input_bytes=plan["inputBytes"],
        layouts={
            Phase(phase): Layout(tasks=layout["tasks"], shards=layout["shards"], shard_size=layout["shardSize"])
            for phase, layout in plan["layouts"].items()
        },
    )


def _format_plan(plan: PlanFacts | None) -> dict[str, Any] | None:
    if plan is None:
        return None
    return {
        "claim": plan.claim_id,
        "tasks": plan.tasks,
        "partitions": plan.partitions,
        "spec": dict(plan.spec),
        "fingerprint": plan.fingerprint,
        "inputBytes": plan.input_bytes,
        "layouts": {
            phase.value: {"tasks": layout.tasks, "shards": layout.shards, "shardSize": layout.shard_size}
            for phase, layout in plan.layouts.items()
        },
    }
