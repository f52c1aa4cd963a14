"""Submitting a job: its object first, then the files that travel with it, which belong to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kubemr_shell.board.documents import Document
from kubemr_shell.client.jobs import Jobs
from kubemr_shell.client.packing import Package
from kubemr_shell.errors import AlreadyExists, DocumentNotFound, KubemrError, UsageError
from kubemr_shell.job.spec import Job
from kubemr_shell.job.validate import API_VERSION, KIND
from kubemr_shell.kube.marks import FILES_ANNOTATION, files_name
from kubemr_shell.kube.resources import CONFIG_MAPS, JOBS


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
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": {**spec, **package.spec}}


def submit(jobs: Jobs, document: Mapping[str, Any], package: Package) -> Document:
    """Create the job. Its name is its lock: whoever has created it owns the ConfigMap of that name."""
    name = document["metadata"]["name"]
    if package.data:
        _remove_old_files(jobs, name)
    job = jobs.create(document)
    try:
        if package.data:
            with jobs.explained():
                jobs.client.create(CONFIG_MAPS, jobs.namespace, package.config_map(job))
    except BaseException:
        with suppress(KubemrError):  # without its files it would never run
            jobs.delete(name, uid=job["metadata"]["uid"])
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


def _remove_old_files(jobs: Jobs, name: str) -> None:
    """Of a deleted job of the same name; the new job's pods must not see them."""
    client, namespace = jobs.client, jobs.namespace
    with jobs.explained(), suppress(DocumentNotFound):
        old = client.get(CONFIG_MAPS, namespace, files_name(name))
        if not _exists(jobs, name):
            options = {"preconditions": {"uid": old["metadata"]["uid"]}}
            client.delete(CONFIG_MAPS, namespace, files_name(name), options=options)


def _exists(jobs: Jobs, name: str) -> bool:
    try:
        jobs.client.get(JOBS, jobs.namespace, name)
    except DocumentNotFound:
        return False
    return True
