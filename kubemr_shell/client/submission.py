"""Submits a job: creates its object, then the ConfigMap with its files, which the job owns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kubemr_shell.board.stores.documents import Document
from kubemr_shell.board.stores.json_patch import add, test
from kubemr_shell.client.ending import has_ended
from kubemr_shell.client.jobs import Jobs
from kubemr_shell.client.packing import Package, labels_of_files
from kubemr_shell.errors import AlreadyExists, DocumentNotFound, KubemrError, UsageError
from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.job.spec import Job
from kubemr_shell.kube.marks import FILES_ANNOTATION, files_name
from kubemr_shell.kube.owners import is_owned, owners_of
from kubemr_shell.kube.resources import CONFIG_MAPS, JOBS, Resource

TRIES = 5
"""The number of attempts to create the ConfigMap while others create or delete one of its name."""


def namespace_of(job: Job, asked: str | None) -> str | None:
    """Return the namespace on which the flag and the YAML agree, or None if neither names one.

    Raise UsageError if they differ.
    """
    if asked and job.namespace and asked != job.namespace:
        raise UsageError(f"-n {asked}, but metadata.namespace is {job.namespace}: change one of them")
    return asked or job.namespace


def document_of(job: Job, spec: Mapping[str, Any], package: Package) -> dict[str, Any]:
    """Return the object to create: the job as its author wrote it, with its final name and the places of its files."""
    name = job.name or f"{job.generate_name}{os.urandom(3).hex()[:5]}"
    annotations = {**job.annotations, **({FILES_ANNOTATION: files_name(name)} if package.data else {})}
    metadata: dict[str, Any] = {"name": name}
    if job.labels:
        metadata["labels"] = dict(job.labels)
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": metadata, "spec": {**spec, **package.spec}}


def submit(jobs: Jobs, document: Mapping[str, Any], package: Package) -> Document:
    """Create the job, then its files, for which the job waits. The job owns the files: both are deleted together.

    If a submission was killed before it sent the files, the same submission sends them. Raise UsageError if an object
    that does not belong to the job has the name of its files.
    """
    begun = _begun(jobs, document) if package.data else None
    if begun is not None:
        _send(jobs, begun, package)
        return begun
    if package.data:
        _make_room(jobs, document["metadata"]["name"])
    job = jobs.create(document)
    if package.data:
        try:
            _send(jobs, job, package)
        except BaseException:
            with suppress(KubemrError):  # without its files, the job would never run
                jobs.delete(job["metadata"]["name"], uid=job["metadata"]["uid"])
            raise
    return job


def replace_files(jobs: Jobs, job: Document, package: Package) -> None:
    """Replace the files of an existing job, whose pods see them from now on. Raise UsageError like ``submit``."""
    files = _send(jobs, job, package)
    if files is not None:
        change = [test("/metadata/uid", files["metadata"]["uid"]), add("/binaryData", package.encoded())]
        with jobs.errors_explained():
            jobs.client.patch(CONFIG_MAPS, jobs.namespace, files["metadata"]["name"], change)


def _send(jobs: Jobs, job: Document, package: Package) -> Document | None:
    """Create the ConfigMap of a job. If the job already has one, which may hold other files, return it instead."""
    name = files_name(job["metadata"]["name"])
    for _ in range(TRIES):
        with jobs.errors_explained():
            try:
                jobs.client.create(CONFIG_MAPS, jobs.namespace, package.config_map(job))
            except AlreadyExists:
                files = _found(jobs, CONFIG_MAPS, name)
                if files is not None and is_owned(files, job):
                    return files
                if files is not None:
                    _remove_left(jobs, files, job["metadata"]["name"])
            else:
                return None
    raise KubemrError(f"ConfigMap {name}: other clients keep creating and deleting it: try again")


def _begun(jobs: Jobs, document: Mapping[str, Any]) -> Document | None:
    """Return the job if the same submission has created it already and it waits for its files, else None."""
    with jobs.errors_explained():
        job = _found(jobs, JOBS, document["metadata"]["name"])
        if job is None or job["spec"] != document["spec"] or has_ended(job):
            return None
        files = _found(jobs, CONFIG_MAPS, files_name(job["metadata"]["name"]))
        return None if files is not None and is_owned(files, job) else job


def _make_room(jobs: Jobs, name: str) -> None:
    """Remove the files of a deleted job of the same name, so that pods of the new job do not see them."""
    with jobs.errors_explained():
        old = _found(jobs, CONFIG_MAPS, files_name(name))
        if old is not None and _found(jobs, JOBS, name) is None:
            _remove_left(jobs, old, name)


def _remove_left(jobs: Jobs, files: Document, job: str) -> None:
    """Remove a ConfigMap that a deleted job of the name ``job`` has left. Raise UsageError if it belongs to others."""
    metadata = files["metadata"]
    if not _are_left(files, job):
        raise UsageError(
            f"ConfigMap {metadata['name']} in the namespace {jobs.namespace} is in the way, which is not this job's: "
            "the files of the job need that name. Submit the job under another name, or, if nobody needs the "
            f"ConfigMap, kubectl -n {jobs.namespace} delete configmap {metadata['name']}"
        )
    with suppress(DocumentNotFound):
        options = {"preconditions": {"uid": metadata["uid"]}}
        jobs.client.delete(CONFIG_MAPS, jobs.namespace, metadata["name"], options=options)


def _are_left(files: Document, job: str) -> bool:
    """Return whether ``submit`` made this ConfigMap for some job of the name ``job``.

    The owner shows this, or the labels if the job was deleted with ``--cascade=orphan``. The name proves nothing.
    """
    if any(one["kind"] == JOB_KIND and one["name"] == job for one in owners_of(files)):
        return True
    labels = files["metadata"].get("labels") or {}
    return not owners_of(files) and labels_of_files(job).items() <= labels.items()


def _found(jobs: Jobs, resource: Resource, name: str) -> Document | None:
    try:
        return jobs.client.get(resource, jobs.namespace, name)
    except DocumentNotFound:
        return None
