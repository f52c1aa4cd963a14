"""Makes a table, the verdicts on the targets, and JSON from the values of all runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.workloads import Metric, Target, Workload

Values = dict[str, list[float]]
"""The measured values of all rounds, by contender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A target and its measured value. ``measured`` is None if a contender of the target did not run."""

    target: Target
    measured: float | None

    @property
    def word(self) -> str:
        """Return ``pass``, ``MISS`` or ``not measured``."""
        if self.measured is None:
            return "not measured"
        return "pass" if self.measured <= self.target.at_most else "MISS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one workload."""

    workload: Workload
    title: str
    values: Values
    notes: tuple[str, ...]
    """The contenders that were left out or failed, with the reasons."""
    wrong: bool = False
    """Whether a run of kubemr-shell failed or had a wrong result."""


def ratios(values: Values, subject: str, against: Sequence[str]) -> list[float]:
    """Return, for each round, the value of ``subject`` divided by the smallest value of ``against``.

    A contender with only one round is compared in the first round.
    """
    others = [values[name] for name in against if values.get(name)]
    own = values.get(subject, [])
    rounds = min([len(own), *map(len, others)]) if others else 0
    return [own[index] / min(other[index] for other in others) for index in range(rounds)]


def verdicts(result: Result) -> list[Verdict]:
    """Return the verdict on each target of a workload."""
    return [Verdict(target=target, measured=_measured(result.values, target)) for target in result.workload.targets]


def _measured(values: Values, target: Target) -> float | None:
    found = ratios(values, target.subject, target.against) if target.against else values.get(target.subject, [])
    return median(found) if found else None


def table(results: Sequence[Result]) -> str:
    """Return the table of the results and of the targets.

    The line of a contender has its median and range, and the ratio of our first contender to this one in each round.
    """
    lines = [f"{'':42}{'median':>10}  {'min - max':>21}  {'ours : this':>12}  {'min - max':>13}"]
    for result in results:
        lines += ["", result.title]
        subject = result.workload.contenders[0].name
        for name, values in result.values.items():
            if values:
                lines.append(_row(result, name, values, ratios(result.values, subject, [name])))
        lines += [f"    {note}" for note in result.notes]
    lines += ["", f"{'Target':92}{'asked':>10}{'measured':>12}  verdict"]
    for result in results:
        lines += [_verdict_row(result, verdict) for verdict in verdicts(result)]
    return "\n".join(lines)


def _row(result: Result, name: str, values: Sequence[float], pairs: Sequence[float]) -> str:
    metric = result.workload.metric
    spread = f"{show(min(values), metric)} - {show(max(values), metric)}" if len(values) > 1 else ""
    row = f"  {name:40}{show(median(values), metric):>10}  {spread:>21}"
    if name == result.workload.contenders[0].name:
        return row
    pair_spread = f"{min(pairs):.2f} - {max(pairs):.2f}" if len(pairs) > 1 else ""
    return f"{row}  {median(pairs):>12.2f}  {pair_spread:>13}".rstrip() if pairs else row


def _verdict_row(result: Result, verdict: Verdict) -> str:
    target = verdict.target
    unit = None if target.against else result.workload.metric
    measured = "" if verdict.measured is None else show(verdict.measured, unit)
    text = f"{result.title}: {target.text}"
    return f"  {text:90}{show(target.at_most, unit):>10}{measured:>12}  {verdict.word}"


def show(value: float, metric: Metric | None) -> str:
    """Return a value with its unit. Without a metric, the value is a ratio."""
    if metric is None:
        return f"{value:.2f}x"
    if metric is Metric.PEAK:
        return f"{value / (1 << 20):.0f} MiB"
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.2f} ms"


def as_json(results: Sequence[Result]) -> list[dict[str, object]]:
    """Return the results as JSON objects, one for each workload."""
    return [
        {
            "workload": result.title,
            "metric": result.workload.metric.value,
            "values": result.values,
            "notes": list(result.notes),
            "wrong": result.wrong,
            "targets": [
                {
                    "text": verdict.target.text,
                    "subject": verdict.target.subject,
                    "against": list(verdict.target.against),
                    "atMost": verdict.target.at_most,
                    "measured": verdict.measured,
                    "verdict": verdict.word,
                }
                for verdict in verdicts(result)
            ],
        }
        for result in results
    ]
