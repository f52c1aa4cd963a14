"""Submitting a job: its object first, then the files that travel with it, which belong to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kubemr_shell.board.documents import Document
from kubemr_shell.client.ending import has_ended
from kubemr_shell.client.jobs import Jobs
from kubemr_shell.client.packing import Package
from kubemr_shell.errors import AlreadyExists, DocumentNotFound, KubemrError, UsageError
from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from kubemr_shell.job.spec import Job
from kubemr_shell.kube.marks import FILES_ANNOTATION, are_files_of, files_name
from kubemr_shell.kube.resources import CONFIG_MAPS, JOBS, Resource


def namespace_of(job: Job, asked: str | None) -> str | None:
    """The namespace that flag and YAML agree on; None: neither names one."""
    if asked and job.namespace and asked != job.namespace:
        raise UsageError(f"-n {asked}, but metadata.namespace is {job.namespace}: change one of them")
    return asked or job.namespace


def document_of(job: Job, spec: Mapping[str, Any], package: Package) -> dict[str, Any]:
    """What is sent: the job as its author wrote it, but for its name and the places of its files."""
    name = job.name or f"{job.generate_name}{os.urandom(3).hex()[:5]}"
    annotations = {**job.annotations, **({FILES_ANNOTATION: files_name(name)} if package.data else {})}
    metadata: dict[str, Any] = {"name": name}
    if job.labels:
        metadata["labels"] = dict(job.labels)
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": metadata, "spec": {**spec, **package.spec}}


def submit(jobs: Jobs, document: Mapping[str, Any], package: Package) -> Document:
    """Create the job, then its files, for which it waits: so they have an owner, and go with it.

    The job's name is its lock: whoever has created it owns the ConfigMap of that name. Of a submission that was killed
    in between, the same one sends what is missing.
    """
    job = _begun(jobs, document) if package.data else None
    if job is None:
        if package.data:
            _remove_old_files(jobs, document["metadata"]["name"])
        job = jobs.create(document)
    if package.data:
        try:
            _send(jobs, job, package)
        except BaseException:
            with suppress(KubemrError):  # without its files it would never run
                jobs.delete(job["metadata"]["name"], uid=job["metadata"]["uid"])
            raise
    return job


def replace_files(jobs: Jobs, job: Document, package: Package) -> None:
    """For a job that is there: what its pods see from now on."""
    name = files_name(job["metadata"]["name"])
    with jobs.explained():
        try:
            jobs.client.create(CONFIG_MAPS, jobs.namespace, package.config_map(job))
        except AlreadyExists:
            change = [{"op": "add", "path": "/binaryData", "value": package.encoded()}]
            jobs.client.patch(CONFIG_MAPS, jobs.namespace, name, change)


def _send(jobs: Jobs, job: Document, package: Package) -> None:
    with jobs.explained():
        try:
            jobs.client.create(CONFIG_MAPS, jobs.namespace, package.config_map(job))
        except AlreadyExists:
            files = _found(jobs, CONFIG_MAPS, files_name(job["metadata"]["name"]))
            if files is None or not are_files_of(files, job):
                raise  # else another one, who submits the same, was faster


def _begun(jobs: Jobs, document: Mapping[str, Any]) -> Document | None:
    """The same job, if it is there and waits for its files."""
    with jobs.explained():
        job = _found(jobs, JOBS, document["metadata"]["name"])
        if job is None or job["spec"] != document["spec"] or has_ended(job):
            return None
        files = _found(jobs, CONFIG_MAPS, files_name(job["metadata"]["name"]))
        return None if files is not None and are_files_of(files, job) else job


def _remove_old_files(jobs: Jobs, name: str) -> None:
    """Of a deleted job of the same name; the new job's pods must not see them."""
    with jobs.explained(), suppress(DocumentNotFound):
        old = _found(jobs, CONFIG_MAPS, files_name(name))
        if old is not None and _found(jobs, JOBS, name) is None:
            options = {"preconditions": {"uid": old["metadata"]["uid"]}}
            jobs.client.delete(CONFIG_MAPS, jobs.namespace, files_name(name), options=options)


def _found(jobs: Jobs, resource: Resource, name: str) -> Document | None:
    try:
        return jobs.client.get(resource, jobs.namespace, name)
    except DocumentNotFound:
        return None
