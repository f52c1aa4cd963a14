"""The state of a job as a value, and its form in the ``status`` of a MapReduceJob document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Any

from kubemr_shell import __version__
from kubemr_shell.board.lane import (
    Lane,
    Lanes,
    Totals,
    format_lane,
    lanes_of,
    parse_lane,
    summed_totals,
)
from kubemr_shell.board.layout import Layout
from kubemr_shell.board.ranges import Ranges
from kubemr_shell.board.shard_state import Reopening
from kubemr_shell.board.stores.documents import Document
from kubemr_shell.errors import ProtocolMismatch
from kubemr_shell.job.counters import Counters, Kept, summed_within
from kubemr_shell.job.kinds import PROTOCOL
from kubemr_shell.job.state import JobState, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """The plan of a job, which all workers share.

    Only a retry changes the plan: the spec of the retry replaces the spec that the planner has recorded.
    """

    claim_id: str
    """The id of the claim that wrote the splits; the name of the splits contains it."""
    tasks: int
    """The number of map tasks."""
    partitions: int
    """The number of reduce tasks; 0 for a map-only job."""
    spec: Mapping[str, Any]
    """The resolved spec as ``kept_in_plan`` makes it: nothing in it depends on the machine."""
    fingerprint: str
    """The ``plan_fingerprint`` of ``spec`` and ``files``. Empty after a retry, until the first worker settles them."""
    input_bytes: int
    """The size of all inputs in bytes."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The pin of each of the job's ``files`` and ``archives``, by its URI: a text that changes with the content."""
    notes: tuple[str, ...] = ()
    """The decisions of the planner that the summary of the job states."""
    layouts: Mapping[Phase, Layout] = field(default_factory=dict)
    """The shards of each phase; filled in when the plan is recorded."""

    @property
    def is_settled(self) -> bool:
        """Return whether the spec and the pins are fixed for all workers."""
        return bool(self.fingerprint)

    @property
    def map_only(self) -> bool:
        """Return whether the job has no reduce tasks."""
        return self.partitions == 0

    @property
    def output_phase(self) -> Phase:
        """Return the phase whose tasks write the parts."""
        return Phase.MAP if self.map_only else Phase.REDUCE

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Return the phases of the job, in order."""
        return (Phase.MAP, Phase.PUBLISH) if self.map_only else (Phase.MAP, Phase.REDUCE, Phase.PUBLISH)

    def with_layouts(self, workers: int) -> PlanFacts:
        """Return the plan with the shards of each phase, laid out for that number of ``workers``.

        One task of PUBLISH publishes one shard of the output phase. No more workers than these tasks can hold one, so
        the shards of PUBLISH are laid out for at most that many workers.
        """
        layouts = {
            Phase.MAP: Layout.of(self.tasks, workers, pieces=self.partitions),
            Phase.REDUCE: Layout.of(self.partitions, workers),
        }
        publishing = layouts[self.output_phase].shards
        layouts[Phase.PUBLISH] = Layout.of(publishing, min(workers, publishing))
        return replace(self, layouts=layouts)

    def lanes(self) -> dict[Phase, Lanes]:
        """Return the empty lanes of all phases of the job."""
        return {phase: lanes_of(self.layouts[phase].shards) for phase in self.phases}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The claim of a worker on a role: to plan the job, or to finish it. ``beat`` is its heartbeat."""

    worker: str
    id: str
    beat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """The state of a job on the board at one moment."""

    state: JobState
    spec: Mapping[str, Any]
    """The spec of the plan; before there is a plan, the spec of the job."""
    plan: PlanFacts | None = None
    turn: int = 0
    """The counter that every write except renewals and closings raises and tests. So no decision misses another.

    A write that closes or reopens a shard uses the turn of its lane. If it also changes the phase, it uses both.
    """
    epoch: int = 0
    """The number of times that committed work was ordered to run again. Part of the names of manifests."""
    bases: Mapping[Phase, int] = field(default_factory=dict)
    """The epoch in which the shards of a phase were last started again, or 0. Part of the names of the shards."""
    retry: int = 0
    """The number of retries of the job."""
    publishing: bool = False
    """True if the job has passed the point of no return: parts may be visible."""
    lanes: Mapping[Phase, Lanes] = field(default_factory=dict)
    """The closed and counted shards of each phase; filled in when the plan is recorded."""
    reopened: Mapping[Phase, Mapping[int, tuple[Reopening, ...]]] = field(default_factory=dict)
    """By shard: the orders since the shard was last closed, at most one for each task. Tasks are numbered within the
    shard. A closed shard may have only its last order, whose epoch is in the name of its manifest."""
    planner: Role | None = None
    finisher: Role | None = None
    failure: Mapping[str, Any] | None = None
    results: Mapping[str, Any] | None = None
    replaces: Mapping[str, Any] | None = None
    """The ``results`` of the earlier result, which stays in the output until the new result replaces it."""
    cleaned: bool = False
    """True if the temporaries of the job are removed."""
    protocol: int = PROTOCOL
    lost: frozenset[str] = frozenset()
    """The workers that have ended, as far as the operator knows. No worker writes this field."""
    replicas: int = 1
    """The number of workers that the job asks for now, also if the plan's spec differs. No worker writes this field."""

    @property
    def phase(self) -> Phase | None:
        """Return the phase that the job is in, or None between phases."""
        return Phase[self.state.name] if self.state.name in Phase.__members__ else None

    def layout(self, phase: Phase) -> Layout:
        """Return the shards of a phase; without a plan, a layout without tasks."""
        return self.plan.layouts[phase] if self.plan else Layout.of(0, 1)

    def base(self, phase: Phase) -> int:
        """Return the epoch in which the shards of a phase were last started again, or 0."""
        return self.bases.get(phase, 0)

    @property
    def result_epoch(self) -> int:
        """Return the epoch of the result. Each result that a job makes has another epoch."""
        return self.base(self.plan.output_phase) if self.plan else 0

    @property
    def counters(self) -> dict[Phase, Counters]:
        """Return the counters of closed shards by phase. Phases without a closed shard are left out."""
        return {phase: kept.counters for phase, kept in self.kept_counters.items()}

    @property
    def kept_counters(self) -> dict[Phase, Kept]:
        """Return the counters of closed shards by phase, each with the first counter that was dropped."""
        return {phase: summed_within(lane.kept for lane in lanes) for phase, lanes in self._counted()}

    @property
    def totals(self) -> dict[Phase, Totals]:
        """Return the totals of closed shards by phase. Phases without a closed shard are left out."""
        return {phase: summed_totals(lane.totals for lane in lanes) for phase, lanes in self._counted()}

    def _counted(self) -> Iterator[tuple[Phase, list[Lane]]]:
        for phase, lanes in self.lanes.items():
            if counted := [lane for lane in lanes.values() if lane.counted]:
                yield phase, counted

    def closed_shards(self, phase: Phase) -> Ranges:
        """Return the numbers of the closed shards of a phase."""
        return reduce(or_, (lane.closed for lane in self.lanes.get(phase, {}).values()), Ranges())

    def counted_shards(self, phase: Phase) -> Ranges:
        """Return the numbers of the shards whose counters are in ``counters``. A reopened shard stays among them."""
        return reduce(or_, (lane.counted for lane in self.lanes.get(phase, {}).values()), Ranges())

    def is_closed(self, phase: Phase) -> bool:
        """Return whether all shards of a phase are closed."""
        return len(self.closed_shards(phase)) == self.layout(phase).shards

    def orders(self, phase: Phase, shard: int) -> tuple[Reopening, ...]:
        """Return the reopenings of a shard since it was last closed."""
        return self.reopened.get(phase, {}).get(shard, ())

    def shard_epoch(self, phase: Phase, shard: int) -> int:
        """Return the epoch in the name of the shard's manifest: that of the last reopening, or the phase's base."""
        return max([self.base(phase), *(order.epoch for order in self.orders(phase, shard))])

    def closed_tasks(self, phase: Phase) -> int:
        """Return the number of tasks in the closed shards of a phase."""
        layout = self.layout(phase)
        return sum(layout.count(shard) for shard in self.closed_shards(phase))


def parse_job(document: Document) -> JobView:
    """Return the state in a MapReduceJob document. A job without a status is not checked yet, and counts as PENDING.

    Raise ProtocolMismatch if a version of kubemr-shell with another protocol has written the status.
    """
    status = document.get("status") or {}
    _check_protocol(document, status)
    plan = _parse_plan(status.get("plan"))
    return JobView(
        state=JobState(status.get("state", JobState.PENDING.value)),
        spec=plan.spec if plan else document["spec"],
        plan=plan,
        bases=_by_phase(status.get("bases"), int),
        lanes=_by_phase(status.get("lanes"), _parse_lanes),
        reopened=_by_phase(status.get("reopened"), _parse_orders),
        planner=_parse_role(status.get("planner")),
        finisher=_parse_role(status.get("finisher")),
        lost=frozenset(status.get("lost") or ()),
        replicas=_replicas(document.get("spec") or {}),
        **{name: status[name] for name in _PLAIN if name in status},
    )


_PLAIN = ("turn", "epoch", "retry", "publishing", "failure", "results", "replaces", "cleaned", "protocol")


def _check_protocol(document: Document, status: Mapping[str, Any]) -> None:
    """Raise ProtocolMismatch for a job of another protocol. A status without one is older than the versions."""
    stated = status.get("protocol", PROTOCOL)
    if stated == PROTOCOL:
        return
    raise ProtocolMismatch(
        f"job {document['metadata']['name']} has protocol {stated} (status.protocol), and kubemr-shell {__version__} "
        f"knows protocol {PROTOCOL}. Use a kubemr-shell of the version that began the job; in a cluster, build the "
        "image of the job from kubemr/base of the version of the operator"
    )


def format_status(view: JobView) -> dict[str, Any]:
    """Return the form of a state in the ``status`` of a document: the reverse of ``parse_job``."""
    return {
        "state": view.state.value,
        "plan": _format_plan(view.plan),
        "bases": {phase.value: base for phase, base in view.bases.items()},
        "lanes": {phase.value: format_lanes(lanes) for phase, lanes in view.lanes.items()},
        "reopened": {phase.value: _format_orders(orders) for phase, orders in view.reopened.items()},
        "planner": _format_role(view.planner),
        "finisher": _format_role(view.finisher),
        **{name: getattr(view, name) for name in _PLAIN},
    }


def _replicas(spec: Mapping[str, Any]) -> int:
    """Return the replicas of a spec, or 1: the spec may have become invalid since it was checked."""
    found = spec.get("replicas")
    return found if isinstance(found, int) and found > 0 else 1


def _by_phase(mapping: Mapping[str, Any] | None, parse: Any) -> dict[Phase, Any]:
    return {Phase(phase): parse(value) for phase, value in (mapping or {}).items()}


def _parse_lanes(lanes: Mapping[str, Any]) -> Lanes:
    return {int(number): parse_lane(lane) for number, lane in lanes.items()}


def format_lanes(lanes: Lanes) -> dict[str, Any]:
    """Return the form of the lanes of a phase in the ``status`` of a document."""
    return {str(number): format_lane(lane) for number, lane in lanes.items()}


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
        fingerprint=plan["fingerprint"] if "files" in plan else "",
        files=plan.get("files", {}),
        input_bytes=plan["inputBytes"],
        notes=tuple(plan.get("notes", ())),
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
        "files": dict(plan.files),
        "inputBytes": plan.input_bytes,
        **({"notes": list(plan.notes)} if plan.notes else {}),
        "layouts": {
            phase.value: {"tasks": layout.tasks, "shards": layout.shards, "shardSize": layout.shard_size}
            for phase, layout in plan.layouts.items()
        },
    }
