"""A document store in the custom resources of a Kubernetes API server, which applies each patch under its own lock.

The status of a job is a subresource: a patch changes either the status alone, or everything except the status. The job
owns its shards, so Kubernetes deletes the shards together with the job.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any, cast

from kubemr_shell.board.stores.documents import (
    JOB_LABEL,
    MAX_DOCUMENT_BYTES,
    ChangeType,
    Document,
    Documents,
    DocumentStore,
    Operation,
    check_patch,
    encoded,
    name_of_new,
)
from kubemr_shell.errors import BoardError
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.marks import UID_LABEL
from kubemr_shell.kube.owners import reference_to_job
from kubemr_shell.kube.resources import JOBS, SHARDS, Resource
from kubemr_shell.kube.watch import watch

RESOURCES = {resource.kind: resource for resource in (JOBS, SHARDS)}
"""The custom resources that a board uses, by their kind."""


class KubernetesStore(DocumentStore):
    """The documents of one namespace. Any number of threads may use it."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    def create(self, document: Mapping[str, Any]) -> Document:
        name, kind = name_of_new(document), document["kind"]
        if kind not in RESOURCES:
            raise BoardError(f"{kind} {name}: no kind of document of a board")
        encoded(document, f"{kind} {name}", MAX_DOCUMENT_BYTES)
        return self._client.create(RESOURCES[kind], self._namespace, _owned(document))

    def get(self, kind: str, name: str, *, fresh: bool = True) -> Document:
        return self._client.get(RESOURCES[kind], self._namespace, name, fresh=fresh)

    def list(self, kind: str, *, job: str | None = None) -> Documents:
        labels = f"{JOB_LABEL}={job}" if job is not None else ""
        resource = RESOURCES[kind]
        return _whole(resource, self._client.list(resource, self._namespace, labels=labels)["items"])

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        what = f"the patch of {kind} {name}"
        check_patch(operations, what)
        resource = RESOURCES[kind]
        status = resource.has_status and _is_of_status(operations, what)
        return self._client.patch(resource, self._namespace, name, list(operations), status=status)

    def delete(self, kind: str, name: str) -> None:
        self._client.delete(RESOURCES[kind], self._namespace, name)

    def watch(
        self, kind: str, *, since: str | None = None, seconds: float = 60.0, stop: Event | None = None
    ) -> Iterator[tuple[ChangeType, Document]]:
        resource, stopped = RESOURCES[kind], stop or Event()
        if since is not None and not since.isdecimal():
            raise BoardError(f"not a resourceVersion of this board: {since!r}")
        if since is None:
            found = self._client.list(resource, self._namespace)
            since = found["metadata"]["resourceVersion"]
            for document in _whole(resource, found["items"]):
                yield "ADDED", document
                if stopped.is_set():
                    return
        changes = watch(self._client, resource, self._namespace, since=since, seconds=math.ceil(seconds), stop=stopped)
        for change, document in changes:
            if change != "BOOKMARK":
                yield cast("ChangeType", change), document


def _whole(resource: Resource, items: Documents) -> Documents:
    """Return the items of a list, ordered by name. Add the kind and the API version, which items may lack."""
    whole = [{"apiVersion": resource.api_version, "kind": resource.kind, **document} for document in items]
    return sorted(whole, key=lambda document: str(document["metadata"]["name"]))


def _owned(document: Mapping[str, Any]) -> Document:
    """Return a new document as it is stored. A shard names its job as its owner, and the job's uid as a label."""
    spec = document.get("spec")
    if document["kind"] != SHARDS.kind or not isinstance(spec, Mapping) or "jobUid" not in spec:
        return dict(document)
    owners = [reference_to_job(spec["job"], spec["jobUid"])]
    metadata = document["metadata"]
    labels = {**(metadata.get("labels") or {}), UID_LABEL: spec["jobUid"]}
    return {**document, "metadata": {**metadata, "labels": labels, "ownerReferences": owners}}


def _is_of_status(operations: Sequence[Operation], what: str) -> bool:
    changed = {str(one["path"]).split("/", 2)[1] == "status" for one in operations if one["op"] != "test"}
    if len(changed) > 1:
        raise BoardError(f"{what} changes the status and something else: those are two requests")
    return changed == {True}
