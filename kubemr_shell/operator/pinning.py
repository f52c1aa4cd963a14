"""The image of workers by its digest: a tag may be moved while a job runs, and would mix versions in it.

The operator runs from the image that jobs get which name none, and the node says which one that is. It cannot say so of
an image that was loaded to it and never pulled: that has no digest in any repository, and keeps its tag.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kubemr_shell.kube.client import KubeClient
from kubemr_shell.kube.resources import PODS
from kubemr_shell.kube.status import Object

PATIENCE_SECONDS = 10.0
"""For the node to say what it runs, once it runs it."""
PAUSE_SECONDS = 0.5
DIGEST = "@sha256:"


def pinned_image(client: KubeClient, pod: str, image: str, wait: Callable[[float], object]) -> str:
    """``image`` by the digest with which the pod ``NAMESPACE/NAME`` runs it; as it is where nobody knows that."""
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
    """``image_id`` is what a node calls it: ``repository@sha256:…``, or a bare digest, which no registry knows."""
    repository, at, digest = image_id.removeprefix("docker-pullable://").partition("@")
    own = _repository(image)
    return f"{own}@{digest}" if at and _whole(repository) == _whole(own) else image


def _image_id(pod: Object, containers: set[str]) -> str:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((str(one["imageID"]) for one in statuses if one["name"] in containers and one.get("imageID")), "")


def _repository(image: str) -> str:
    """Without its tag; a colon before the last slash is that of a port."""
    head, slash, tail = image.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"


def _whole(repository: str) -> str:
    """With the registry and the folder that are left out where they are Docker's."""
    first, slash, _ = repository.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return repository
    return f"docker.io/{repository}" if slash else f"docker.io/library/{repository}"
