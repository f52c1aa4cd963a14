"""The digest of the image of workers. A tag may be moved while a job runs, and would then mix versions in the job.

Jobs that name no image run in the image of the operator. The node of the operator knows the digest of this image. An
image that was loaded into the node and never pulled has no digest in any repository, and keeps its tag.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import PODS
from kubemr_shell.kube.status import Object

PATIENCE_SECONDS = 10.0
"""The seconds for which the operator waits until its node reports the digest."""
PAUSE_SECONDS = 0.5
"""The seconds between two requests for the digest."""
DIGEST = "@sha256:"
"""The text before the digest in the name of an image."""


def pinned_image(client: KubeClient, pod: str, image: str, wait: Callable[[float], object]) -> str:
    """Return ``image`` with the digest with which the pod ``NAMESPACE/NAME`` runs it; unchanged if none is known."""
    namespace, _, name = pod.partition("/")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while DIGEST not in image and time.monotonic() < deadline:
        found = client.list(PODS, namespace, fields=f"metadata.name={name}")["items"]
        containers = {one["name"] for own in found for one in own["spec"]["containers"] if one["image"] == image}
        known = [image_id for own in found if (image_id := _image_id(own, containers))]
        if known or not containers:
            return by_digest(image, known[0]) if known else image
        wait(PAUSE_SECONDS)
    return image


def by_digest(image: str, image_id: str) -> str:
    """Return ``image`` with the digest in ``image_id``; unchanged if ``image_id`` is not from the same repository.

    ``image_id`` is the node's name for the image: ``repository@sha256:…``, or a bare digest, which no registry knows.
    """
    repository, at, digest = image_id.removeprefix("docker-pullable://").partition("@")
    own = _repository(image)
    return f"{own}@{digest}" if at and _whole(repository) == _whole(own) else image


def _image_id(pod: Object, containers: set[str]) -> str:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((str(one["imageID"]) for one in statuses if one["name"] in containers and one.get("imageID")), "")


def _repository(image: str) -> str:
    """Return the name of an image without its tag. A colon before the last slash belongs to a port."""
    head, slash, tail = image.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"


def _whole(repository: str) -> str:
    """Return a repository with its registry and folder. Docker's own may be left out in the name of an image."""
    first, slash, _ = repository.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return repository
    return f"docker.io/{repository}" if slash else f"docker.io/library/{repository}"
