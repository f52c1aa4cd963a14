"""The jobs of one namespace on an API server. Each error of the server is explained in one line, with advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

from kubemr_shell.board.progress import Progress, read_progress
from kubemr_shell.board.stores.documents import Document, Documents, Operation
from kubemr_shell.board.stores.kubernetes import KubernetesStore
from kubemr_shell.client.access import Access
from kubemr_shell.client.views import status_errors_explained
from kubemr_shell.errors import (
    AlreadyExists,
    BoardUnavailable,
    DocumentNotFound,
    Forbidden,
    JobNotFound,
    KubemrError,
    UnknownAnswer,
    UnknownField,
    UnknownKind,
    UsageError,
)
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import JOBS, NAMESPACES
from kubemr_shell.kube.status import is_being_deleted
from kubemr_shell.kube.watch import Change, watch

MOST_NAMESPACES = 3
"""The most namespaces that a message names as places of a job with the wanted name."""


class NotInstalled(KubemrError):
    """The error for a cluster that does not know jobs, shards, or a field of them."""


class Jobs:
    """The jobs of one namespace. Each method sends one request.

    The methods raise JobNotFound, NotInstalled, Forbidden and Unavailable, with messages that say what to do.
    """

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    @classmethod
    def reached_by(cls, access: Access, environ: Mapping[str, str]) -> Jobs:
        """Return the access to the jobs of the cluster and the namespace that the options of a command line choose.

        Raise UsageError if no cluster can be found.
        """
        client = KubeClient.of_user(access.kubeconfig, access.context, access.namespace, environ)
        return cls(client, client.namespace)

    @property
    def store(self) -> KubernetesStore:
        """Return the documents of the namespace, as workers read them."""
        return KubernetesStore(self.client, self.namespace)

    def get(self, name: str) -> Document:
        """Return the job ``name``."""
        with self.errors_explained(name):
            return self.client.get(JOBS, self.namespace, name)

    def list(self, *, everywhere: bool = False) -> Documents:
        """Return the jobs of the namespace, or with ``everywhere`` of the cluster, ordered by namespace and name."""
        with self.errors_explained():
            found = self.client.list(JOBS, None if everywhere else self.namespace)["items"]
        return sorted(found, key=lambda job: (job["metadata"]["namespace"], job["metadata"]["name"]))

    def create(self, document: Mapping[str, Any]) -> Document:
        """Create a job and return it. Raise UsageError if the name is taken."""
        name = document["metadata"]["name"]
        try:
            with self.errors_explained():
                return self.client.create(JOBS, self.namespace, document, strict=True)
        except AlreadyExists as error:
            if self._is_being_deleted(name):
                raise UsageError(
                    f"job {name} in the namespace {self.namespace} is being deleted: wait until it is gone "
                    f"(kubemr-shell delete {name} --wait -n {self.namespace}), then submit this one"
                ) from error
            raise UsageError(
                f"there is a job {name} in the namespace {self.namespace}: delete it (kubemr-shell delete {name}), "
                f"or have a new name made with metadata.generateName: {name}-"
            ) from error
        except UnknownAnswer as error:
            raise BoardUnavailable(f"{error}; the job may exist all the same: kubemr-shell list") from error

    def _is_being_deleted(self, name: str) -> bool:
        try:
            return is_being_deleted(self.get(name))
        except KubemrError:
            return False

    def patch(self, name: str, operations: Sequence[Operation]) -> Document:
        """Apply a JSON Patch to a job and return the job. Raise Conflict if a test of the patch fails."""
        with self.errors_explained(name):
            return self.client.patch(JOBS, self.namespace, name, list(operations), strict=True)

    def delete(self, name: str, *, uid: str) -> None:
        """Delete a job, unless another job with a different uid has its name."""
        with self.errors_explained(name):
            self.client.delete(JOBS, self.namespace, name, options={"preconditions": {"uid": uid}})

    def watch(self, name: str, *, since: str, seconds: float, stop: Event) -> Iterator[Change]:
        """Yield the changes of a job after the resource version ``since``, for ``seconds`` at most."""
        return watch(
            self.client,
            JOBS,
            self.namespace,
            since=since,
            seconds=seconds,
            stop=stop,
            fields=f"metadata.name={name}",
        )

    def progress(self, name: str) -> Progress:
        """Return the progress of a job, from its document and its shards."""
        with self.errors_explained(name), status_errors_explained(name):
            return read_progress(self.store, name)

    @contextmanager
    def errors_explained(self, name: str | None = None) -> Iterator[None]:
        """Explain the errors of requests for the job ``name``, or for jobs in general."""
        try:
            yield
        except DocumentNotFound as error:
            raise self._missing(name, error) from error
        except Forbidden as error:
            hint = "ask the administrator of the cluster for this permission, or choose another user"
            raise Forbidden(f"{error}; {hint}") from error
        except UnknownField as error:
            raise NotInstalled(
                f"{self.client.server}: {error}: the cluster's definition of jobs is older than this kubemr-shell: "
                "kubemr-shell install | kubectl apply -f - brings it up to date"
            ) from error
        except UnknownAnswer:
            raise
        except BoardUnavailable as error:
            hint = "check that it runs, and that --context, --kubeconfig or KUBECONFIG names the correct one"
            raise BoardUnavailable(f"{error}; {hint}", retry_after=error.retry_after) from error

    def _missing(self, name: str | None, error: DocumentNotFound) -> KubemrError:
        if isinstance(error, UnknownKind):
            return NotInstalled(f"{self.client.server}: {error}; --context chooses another cluster")
        if not self.has_namespace():
            return JobNotFound(f"{name or error}: {self.no_namespace}")
        if name is None:
            return KubemrError(f"{error}; create the namespace, or name another one with -n")
        elsewhere = [f"-n {namespace}" for namespace in self._namespaces_with(name)[:MOST_NAMESPACES]]
        hint = f"there is one with {' or '.join(elsewhere)}" if elsewhere else "kubemr-shell list -A shows all"
        return JobNotFound(f"{name}: there is no such job in the namespace {self.namespace}: {hint}")

    @property
    def no_namespace(self) -> str:
        """Return the message for a namespace that does not exist."""
        return f"there is no namespace {self.namespace}: name another one with -n, or create it"

    def has_namespace(self) -> bool:
        """Return whether the namespace exists. Return True if the user may not ask."""
        try:
            self.client.get(NAMESPACES, None, self.namespace)
        except DocumentNotFound:
            return False
        except Forbidden:
            return True
        return True

    def _namespaces_with(self, name: str) -> Sequence[str]:
        """Return the namespaces with a job of that name, as far as the user may list jobs."""
        try:
            found = self.client.list(JOBS, None, fields=f"metadata.name={name}")["items"]
        except KubemrError:
            return []
        return sorted(str(job["metadata"]["namespace"]) for job in found)
