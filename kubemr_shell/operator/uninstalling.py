"""The removal of an installation from a cluster: find it, stop the operator, release the jobs, remove the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.errors import Conflict, DocumentNotFound, Unavailable, UnknownKind, UsageError
from kubemr_shell.job.state import ENDED
from kubemr_shell.kube.client import KubeClient, Object
from kubemr_shell.kube.resources import CRDS, DEPLOYMENTS, JOBS, PODS, Resource
from kubemr_shell.kube.status import state_of
from kubemr_shell.operator.actions import unchanged
from kubemr_shell.operator.deletion import FINALIZER, has_no_temporaries, left_behind
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.uninstall import DEFINITIONS, KINDS, LABEL_SELECTOR, Removal, Thing, removal_of

END_SECONDS = 90.0
"""The seconds that the operator's pods, and the definitions, have to end. The grace period of the pods is 15 s."""
LOOK_SECONDS = 0.5
"""The seconds between two checks whether objects are gone."""
TRIES = 10
"""The most attempts to release a job whose workers write its status at the same time."""

Say = Callable[[str], None]
"""A function that shows a line to the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninstallation:
    """An installation that is to be removed from a cluster."""

    client: KubeClient
    operator_namespace: str
    removal: Removal
    definitions: Sequence[Thing]
    """The definitions that are to be removed; usually none."""

    @classmethod
    def find(cls, client: KubeClient, operator_namespace: str, *, definitions: bool) -> Uninstallation:
        """Find the installation. Raise UsageError if there is none, or if another one needs the definitions."""
        found = {resource: _labelled(client, resource) for resource in KINDS}
        removal = removal_of(found, operator_namespace)
        defined = _definitions(client) if definitions else []
        if not removal.things and not defined:
            raise UsageError(_nothing(operator_namespace, removal.others))
        if defined and removal.others:
            raise UsageError(
                f"--definitions: the operator in {', '.join(removal.others)} needs them: uninstall it first "
                f"({'; '.join(f'kubemr-shell uninstall --operator-namespace {one}' for one in removal.others)})"
            )
        return cls(client=client, operator_namespace=operator_namespace, removal=removal, definitions=defined)

    def lines(self) -> list[str]:
        """Return the lines that say which objects are removed, which are kept, and what happens to the jobs."""
        jobs, held = _all_of(self.client, JOBS), self._held()
        lines = [f"To be removed from {self.client.server}:"]
        lines += [f"  {thing}" for thing in [*self.removal.things, *self.definitions]]
        if self.definitions:
            lines.append(f"  with the definitions, all {len(jobs)} jobs of the cluster and their status")
        else:
            lines.append(f"Kept: the definitions of jobs and shards, and the {len(jobs)} jobs of the cluster.")
        lines.append(
            f"Kept: every namespace; kubectl delete namespace {self.operator_namespace} would remove that one with "
            "everything in it."
        )
        if held:
            lines.append("Jobs that will have no operator, neither while they run nor when they are deleted:")
            lines += [f"  {_fate(job)}" for job in held]
        return lines

    def carry_out(self, say: Say, wait: Callable[[float], object]) -> None:
        """Remove the installation. ``wait`` pauses for a number of seconds.

        Raise Unavailable if the operator does not end. An uninstallation that was interrupted can be started again.
        """
        first = [thing for thing in self.removal.things if thing.resource is DEPLOYMENTS]
        self._remove(first, say)
        self._await(self._no_operator, wait, f"the pods of the operator in the namespace {self.operator_namespace}")
        for job in self._held():  # read again: until now, an operator may have accepted new jobs
            self._release_job(job)
            say(f"released {_fate(job)}")
        self._remove([thing for thing in self.removal.things if thing not in first], say)
        self._remove(self.definitions, say)
        if self.definitions:
            self._await(lambda: not _definitions(self.client), wait, "the definitions, with the jobs of the cluster,")

    def _held(self) -> list[Object]:
        """Return the jobs whose deletion would wait for ever for an operator that is gone."""
        all_jobs = bool(self.definitions)
        return [job for job in _all_of(self.client, JOBS) if self.removal.must_release(job, all_jobs=all_jobs)]

    def _remove(self, things: Sequence[Thing], say: Say) -> None:
        for thing in things:
            try:
                options = {"preconditions": {"uid": thing.uid}}
                self.client.delete(thing.resource, thing.namespace, thing.name, options=options)
            except DocumentNotFound:
                continue
            say(f"removed {thing}")

    def _no_operator(self) -> bool:
        return not self.client.list(PODS, self.operator_namespace, labels=LABEL_SELECTOR)["items"]

    def _await(self, is_gone: Callable[[], bool], wait: Callable[[float], object], what: str) -> None:
        deadline = time.monotonic() + END_SECONDS
        while not is_gone():
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{what} did not end within {END_SECONDS:g} s: find the cause (kubectl -n "
                    f"{self.operator_namespace} get pods), then run kubemr-shell uninstall again"
                )
            wait(LOOK_SECONDS)

    def _release_job(self, job: Object) -> None:
        """Remove our finalizer from the job, and keep all others. Raise Unavailable if the job changes all the time."""
        namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
        for _ in range(TRIES):
            try:
                seen = self.client.get(JOBS, namespace, name)
                held = seen["metadata"].get("finalizers") or ()
                if seen["metadata"]["uid"] != job["metadata"]["uid"] or FINALIZER not in held:
                    return
                others = [one for one in held if one != FINALIZER]
                change = [*unchanged(seen), add("/metadata/finalizers", others)]
                self.client.patch(JOBS, namespace, name, change)
            except DocumentNotFound:
                return
            except Conflict:
                continue
            return
        raise Unavailable(f"job {_name(job)} changes all the time: run kubemr-shell uninstall again")


def _labelled(client: KubeClient, resource: Resource) -> list[Object]:
    return _all_of(client, resource, LABEL_SELECTOR)


def _all_of(client: KubeClient, resource: Resource, labels: str = "") -> list[Object]:
    """Return the objects of all namespaces; none if the cluster does not know the kind."""
    try:
        return list(client.list(resource, None, labels=labels)["items"])
    except UnknownKind:
        return []


def _definitions(client: KubeClient) -> list[Thing]:
    found = []
    for name in DEFINITIONS:
        try:
            uid = client.get(CRDS, None, name)["metadata"]["uid"]
        except DocumentNotFound:
            continue
        found.append(Thing(resource=CRDS, name=name, namespace=None, uid=uid))
    return found


def _nothing(operator_namespace: str, others: Sequence[str]) -> str:
    text = f"nothing is installed for an operator in the namespace {operator_namespace}"
    if not others:
        return f"{text}, and there is no other installation in this cluster"
    return f"{text}: --operator-namespace {' or '.join(others)} names what is installed in this cluster"


def _fate(job: Object) -> str:
    """Return a text that says what happens to a job, and how to remove its temporaries."""
    seen = Observation(job=job, batch=None, cleanup=None, now=0.0)
    text = f"{_name(job)} ({state_of(job)})"
    if state_of(job) not in [state.value for state in ENDED] and not seen.is_deleted:
        text += " continues to run, and only Kubernetes replaces its failed pods"
    if has_no_temporaries(seen, OperatorOptions()):
        return f"{text}: it has no temporaries"
    return f"{text}: its temporaries are left when it is deleted, {left_behind(seen, OperatorOptions())}"


def _name(job: Object) -> str:
    return f"{job['metadata']['namespace']}/{job['metadata']['name']}"
