"""The documents of the machine on a real API server, with a proxy before it that does to requests what may happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import cycle
from typing import Any

from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.board.stores.kubernetes import KubernetesStore
from kubemr_shell.errors import BoardUnavailable, DocumentNotFound, KubemrError
from kubemr_shell.kube.resources import SHARDS
from tests.support.api_proxy import ApiProxy, Fault
from tests.support.board_documents import Change, History

EVERY = 4


class ServedHistory(History):
    """``real`` is past the proxy. All that ever stood on the server is kept, as all writes go through here."""

    def __init__(
        self,
        changed: Change,
        proxy: ApiProxy,
        *,
        real: KubernetesStore,
        through: KubernetesStore,
        faults: Iterator[Fault],
    ) -> None:
        """``faults`` happen to some of the writes to shards that the machine itself leaves alone."""
        super().__init__(changed, lambda _: False)
        self._proxy = proxy
        self._real = real
        self._through = through
        self._refused = cycle([Fault.BROKEN, Fault.THROTTLED])
        self._lost = cycle([Fault.LATE, Fault.LOST])
        self._any = faults
        self._is_faulty = False
        self._writes = 0

    def get(self, kind: str, name: str, *, fresh: bool = True, age: int = 0) -> Document:
        return super().get(kind, name, age=age) if age else self._through.get(kind, name, fresh=fresh)

    def create(self, document: Mapping[str, Any]) -> Document:
        kind, name = document["kind"], document["metadata"]["name"]
        return self._recorded(kind, name, lambda: self._through.create(document))

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        return self._recorded(kind, name, lambda: self._through.patch(kind, name, operations))

    def refuse(self, call: Callable[[], object], error: BoardUnavailable) -> None:
        with self._fault(Fault.BROKEN if type(error) is BoardUnavailable else next(self._refused)):
            call()

    def lose_answer(self, write: Callable[[], object]) -> None:
        with self._fault(next(self._lost)):
            write()

    def _recorded(self, kind: str, name: str, write: Callable[[], Document]) -> Document:
        """Whatever the answer is, what stands there now is remembered."""
        self._writes += 1
        is_disturbed = kind == SHARDS.kind and self._writes % EVERY == 0 and not self._is_faulty
        try:
            with self._fault(next(self._any)) if is_disturbed else nullcontext():
                answer = write()
        except KubemrError:
            with suppress(DocumentNotFound):
                self._remember(kind, name, self._real.get(kind, name))
            raise
        self._remember(kind, name, answer)
        return answer

    def _remember(self, kind: str, name: str, document: Document) -> None:
        versions = self._versions.setdefault((kind, name), [])
        before = versions[-1] if versions else None
        if document != before:
            versions.append(document)
            self._changed(kind, before, document)

    @contextmanager
    def _fault(self, fault: Fault) -> Iterator[None]:
        """To one request, the next one."""
        self._is_faulty = True
        left = [fault]
        self._proxy.policy = lambda method, path: left.pop() if left else None
        try:
            yield
        finally:
            assert not left, "no request was sent"
            self._proxy.policy = lambda method, path: None
            self._is_faulty = False
