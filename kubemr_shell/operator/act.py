"""Carries out what was decided. What is refused because somebody was faster is no failure: it is decided again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from kubemr_shell.errors import (
    AlreadyExists,
    BoardError,
    Conflict,
    CreationRefused,
    DocumentNotFound,
    Forbidden,
    NamespaceTerminating,
)
from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.owners import reference_to_job
from kubemr_shell.kube.resources import EVENTS
from kubemr_shell.kube.stamps import seconds_of, stamp_of
from kubemr_shell.operator.actions import Action, Create, Delete, DeleteAll, Patch, Tell
from kubemr_shell.operator.observation import Observation
from kubemr_shell.operator.obstacles import NOT_MADE, in_the_way

LONGEST_NOTE = 1000
AGAIN_SECONDS = 60.0
"""What is told again within this time is told by another operator, or is the same case still, and is not counted."""


class Actor:
    """``identity`` names this operator in events; ``now`` gives seconds since 1970."""

    def __init__(self, client: KubeClient, identity: str, now: Callable[[], float]) -> None:
        self._client = client
        self._identity = identity
        self._now = now

    def carry_out(self, seen: Observation, action: Action) -> bool:
        """False: what was seen is no longer so, and the rest of the decision is void. CreationRefused: of a Create."""
        try:
            match action:
                case Create():
                    self._create(seen, action)
                case Patch():
                    self._client.patch(
                        action.resource, seen.namespace, action.name, action.operations, status=action.status
                    )
                case Delete():
                    self._client.delete(
                        action.resource, seen.namespace, action.name, options={"preconditions": {"uid": action.uid}}
                    )
                case DeleteAll():
                    self._client.delete_all(action.resource, seen.namespace, labels=action.labels)
                case Tell():
                    self._tell(seen, action)
        except DocumentNotFound:
            return isinstance(action, Delete)
        except Conflict:
            return False
        return True

    def _create(self, seen: Observation, action: Create) -> None:
        try:
            self._client.create(action.resource, seen.namespace, action.document)
        except AlreadyExists:
            if not action.contested:
                self._expect_own(seen, action)
        except (NamespaceTerminating, Conflict, DocumentNotFound):
            raise
        except (BoardError, Forbidden) as error:
            raise CreationRefused(NOT_MADE, str(error)) from error

    def _expect_own(self, seen: Observation, action: Create) -> None:
        found = self._client.get(action.resource, seen.namespace, str(action.document["metadata"]["name"]))
        trouble = in_the_way(action.resource, found, seen.job)
        if trouble:
            raise CreationRefused(trouble.reason, trouble.message)

    def _tell(self, seen: Observation, event: Tell) -> None:
        """Make one Event for a reason and a message, and count it when the same is told again later.

        Operators that see the same at the same time have one Event, and one count, between them.
        """
        now = self._now()
        stamp = stamp_of(now)
        digest = hashlib.sha256(f"{seen.uid} {event.reason} {event.message}".encode()).hexdigest()[:12]
        name = f"{seen.name}.{digest}"
        try:
            self._client.create(
                EVENTS,
                seen.namespace,
                {
                    "metadata": {"name": name, "namespace": seen.namespace},
                    "involvedObject": {**reference_to_job(seen.name, seen.uid), "namespace": seen.namespace},
                    "reason": event.reason,
                    "message": event.message[:LONGEST_NOTE],
                    "type": "Warning" if event.warning else "Normal",
                    "source": {"component": "kubemr-operator"},
                    "reportingComponent": "kubemr-operator",
                    "reportingInstance": self._identity,
                    "firstTimestamp": stamp,
                    "lastTimestamp": stamp,
                    "count": 1,
                },
            )
        except AlreadyExists:
            known = self._client.get(EVENTS, seen.namespace, name)
            last = known.get("lastTimestamp")
            if last and now - seconds_of(last) < AGAIN_SECONDS:
                return
            again = {"count": int(known.get("count", 1)) + 1, "lastTimestamp": stamp}
            self._client.patch(EVENTS, seen.namespace, name, again)
