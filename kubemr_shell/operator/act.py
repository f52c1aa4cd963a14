"""The part of the operator that carries out actions.

An action that is refused because another program was faster is not a failure: the operator decides again.
"""

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
"""The most characters of the message of an Event. Kubernetes takes at most 1024."""
AGAIN_SECONDS = 60.0
"""The seconds within which an equal Event does not raise the count of the first.

Such an Event comes from another operator, or is still about the same incident.
"""


class Actor:
    """The executor of an operator's actions.

    ``identity`` names this operator in Events. ``now`` returns seconds since 1970.
    """

    def __init__(self, client: KubeClient, identity: str, now: Callable[[], float]) -> None:
        self._client = client
        self._identity = identity
        self._now = now

    def carry_out(self, seen: Observation, action: Action) -> bool:
        """Carry out an action. Return False if the job has changed since it was seen.

        After False, the rest of the decision is void. Raise CreationRefused if an object cannot be created.
        """
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
        """Create one Event for a reason and a message, or raise the count of the Event if it exists.

        The name of an Event follows from its content. So operators that report the same fact at the same time share
        one Event and one count.
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
