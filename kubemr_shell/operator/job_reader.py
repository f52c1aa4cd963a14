"""Reads everything that the operator needs to know about a job, from its caches and from the API server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kubemr_shell.board.progress import Progress
from kubemr_shell.errors import DocumentNotFound, KubemrError
from kubemr_shell.job.state import JobState
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.marks import CLEANUP, FILES_ANNOTATION, ROLE_LABEL, UID_LABEL, WORKER
from kubemr_shell.kube.owners import is_owned, owners_of
from kubemr_shell.kube.resources import CONFIG_MAPS, JOBS, PODS, SERVICE_ACCOUNTS
from kubemr_shell.kube.status import Object, is_being_deleted, is_true, status_of
from kubemr_shell.operator.conditions import lacks_pods
from kubemr_shell.operator.manifests import account_name, batch_name, cleanup_name
from kubemr_shell.operator.object_cache import Key, ObjectCache
from kubemr_shell.operator.observation import Observation, OutputOwner
from kubemr_shell.operator.obstacles import in_the_way, left_owner
from kubemr_shell.operator.options import OperatorOptions
from kubemr_shell.operator.output_owner import output_of, owner_name, owner_of_output
from kubemr_shell.operator.progress_reader import ProgressReader
from kubemr_shell.operator.stalls import StallWatch
from kubemr_shell.operator.vanished import VanishedWorkers
from kubemr_shell.pod.shipped import files_in, pins_of_shipped


class JobReader:
    """A reader of jobs, which makes Observations. Any thread may use it. ``now`` returns seconds since 1970."""

    def __init__(
        self,
        client: KubeClient,
        options: OperatorOptions,
        *,
        jobs: ObjectCache[Any],
        batches: ObjectCache[Any],
        pods: ObjectCache[Any],
        now: Callable[[], float],
        failed: Callable[[KubemrError, Key], None],
    ) -> None:
        """``failed`` is called with each error that does not prevent the reconciliation of the job."""
        self._client = client
        self._options = options
        self._jobs = jobs
        self._batches = batches
        self._pods = pods
        self._now = now
        self._failed = failed
        self._progress = ProgressReader(client)
        self._stalls = StallWatch(options.stalled_after)
        self._vanished = VanishedWorkers(self._has_pod)

    def read(self, key: Key, job: Object) -> Observation:
        """Return the Observation of a job, with everything that a decision may depend on."""
        known = self.outline(key, job)
        pods = [pod for pod in self._pods.of_job(key) if pod["metadata"]["labels"].get(UID_LABEL) == known.uid]
        seen = replace(
            known,
            pods=[pod for pod in pods if pod["metadata"]["labels"][ROLE_LABEL] == WORKER],
            cleanup_pods=[pod for pod in pods if pod["metadata"]["labels"][ROLE_LABEL] == CLEANUP],
        )
        if seen.is_deleted:
            return seen  # a deletion must not depend on a status that may hold anything
        seen = replace(seen, progress=self._progress_of(key, known))
        seen = replace(seen, is_stalled=self._is_stalled(key, seen), vanished=self._vanished_workers(key, seen))
        if seen.is_asked_to_retry:
            seen = replace(seen, shipped=self._shipped(key, seen))
        if known.status.get("state") == JobState.PENDING:
            return self._with_needs(key, seen)
        return replace(seen, account_is_missing=lacks_pods(seen) and not self._has_account(key, job))

    def outline(self, key: Key, job: Object) -> Observation:
        """Return an Observation with the job and its batch Jobs only. Send no request."""
        mine = {str(one["metadata"]["name"]): one for one in self._batches.of_job(key) if _is_of(one, job)}
        workers = {name: one for name, one in mine.items() if one["metadata"]["labels"].get(ROLE_LABEL) == WORKER}
        uid = str(job["metadata"]["uid"])
        cleanups = (cleanup_name(key[1], uid, with_own_image=own) for own in (False, True))
        return Observation(
            job={"apiVersion": JOBS.api_version, "kind": JOBS.kind, **job},
            batch=workers.pop(_name_of_workers(job), None),
            cleanup=next((mine[name] for name in cleanups if name in mine), None),
            others=list(workers.values()),
            now=self._now(),
        )

    def forget(self, key: Key) -> None:
        """Forget the notes about a job that no longer exists."""
        self._progress.forget(*key)
        self._stalls.forget(key)
        self._vanished.forget(key)

    def _is_stalled(self, key: Key, seen: Observation) -> bool | None:
        """Return whether no worker changes a job or its shards any more; None if ended or not yet known."""
        if seen.has_ended:
            self._stalls.forget(key)
            return None
        view = seen.view
        turns = [view.turn, view.retry, *(lane.turn for lanes in view.lanes.values() for lane in lanes.values())]
        roles = view.planner, view.finisher
        activity = self._progress.activity(*key)
        signature = seen.uid, view.state, tuple(turns), roles, activity, is_true(seen.batch, "Suspended")
        return self._stalls.is_stalled(key, signature)

    def _progress_of(self, key: Key, known: Observation) -> Progress | None:
        view = known.view  # outside of try: an unreadable status is not an error of reading shards
        try:
            return self._progress.read(*key, known.uid, view)
        except KubemrError as error:
            self._failed(error, key)
            return None

    def _vanished_workers(self, key: Key, seen: Observation) -> list[str]:
        if seen.has_ended:
            self._vanished.forget(key)
            return []
        view = seen.view
        pods = {str(pod["metadata"]["name"]) for pod in seen.pods}
        holders = {role.worker for role in (view.planner, view.finisher) if role is not None}
        if seen.progress is not None:
            holders |= seen.progress.holders
        try:
            return self._vanished.names(key, seen.uid, pods=pods, holders=holders, posted=view.lost)
        except KubemrError as error:
            self._failed(error, key)
            return []

    def _has_pod(self, namespace: str, name: str) -> bool:
        return bool(self._client.list(PODS, namespace, fields=f"metadata.name={name}")["items"])

    def _has_account(self, key: Key, job: Object) -> bool:
        """Return whether the ServiceAccount of the workers exists and belongs to the job.

        Call this only while the job has no pods: each call is one request to the API server.
        """
        try:
            return is_owned(self._client.get(SERVICE_ACCOUNTS, key[0], account_name(key[1])), job)
        except DocumentNotFound:
            return False

    def _with_needs(self, key: Key, seen: Observation) -> Observation:
        """Add what a job needs before it is deployed. Only a job that waits for its deployment costs these requests."""
        for asked in (self._with_output_owner, self._with_files):
            seen = asked(key, seen)
            if seen.obstacle is not None:
                break
        return seen

    def _with_output_owner(self, key: Key, seen: Observation) -> Observation:
        """Add the existing job that owns the output, or the obstacle if the owner of the output no longer exists."""
        output = None if seen.problems else output_of(seen, self._options)
        if output is None:
            return seen
        try:
            found = self._client.get(CONFIG_MAPS, key[0], owner_name(output))
        except DocumentNotFound:
            return seen
        owner = owner_of_output(found)
        if owner is None or not self._is_there(key[0], owner):
            return replace(seen, obstacle=left_owner(found, output, owner))
        return replace(seen, output_owner=owner)

    def _is_there(self, namespace: str, owner: OutputOwner) -> bool:
        job = self._jobs.get(namespace, owner.name)
        return job is not None and job["metadata"]["uid"] == owner.uid

    def _shipped(self, key: Key, seen: Observation) -> dict[str, str]:
        name = (seen.job["metadata"].get("annotations") or {}).get(FILES_ANNOTATION)
        if name is None:
            return {}
        try:
            return pins_of_shipped(files_in(self._client.get(CONFIG_MAPS, key[0], name)))
        except DocumentNotFound:
            return {}

    def _with_files(self, key: Key, seen: Observation) -> Observation:
        """Add whether the files of the job are missing, or the obstacle if another object has their name."""
        name = (seen.job["metadata"].get("annotations") or {}).get(FILES_ANNOTATION)
        if name is None:
            return seen
        try:
            found = self._client.get(CONFIG_MAPS, key[0], name)
        except DocumentNotFound:
            return replace(seen, files_are_missing=True)
        return replace(seen, obstacle=in_the_way(CONFIG_MAPS, found, seen.job))


def _is_of(batch: Object, job: Object) -> bool:
    """Return whether a batch Job belongs to a job: the job owns it, or owned it until the deletion of the job.

    ``kubectl delete --cascade=orphan`` removes the references to the job. The workers of a deleted job must end anyway.
    """
    if is_owned(batch, job):
        return True
    is_made_for_it = batch["metadata"]["labels"].get(UID_LABEL) == job["metadata"]["uid"]
    return is_being_deleted(job) and is_made_for_it and not owners_of(batch)


def _name_of_workers(job: Object) -> str:
    """Return the name of the batch Job of the workers. A retry in the status that is not an integer counts as 0."""
    retry = status_of(job).get("retry")
    metadata = job["metadata"]
    return batch_name(str(metadata["name"]), str(metadata["uid"]), retry if isinstance(retry, int) else 0)
