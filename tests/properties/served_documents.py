"""The documents of the machine on a real API server, with a proxy before it that does to requests what may happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kubemr_shell.board.documents import Document, Operation
from kubemr_shell.board.kubernetes import KubernetesStore
from kubemr_shell.errors import BoardUnavailable, DocumentNotFound, KubemrError
from tests.kube.api_proxy import ApiProxy, Fault
from tests.properties.board_documents import Change, History


class ServedHistory(History):
    """``real`` is past the proxy. All that ever stood on the server is kept, as all writes go through here."""

    def __init__(
        self,
        changed: Change,
        proxy: ApiProxy,
        *,
        real: KubernetesStore,
        through: KubernetesStore,
        refused: Iterator[Fault],
        lost: Iterator[Fault],
    ) -> None:
        """``refused`` and ``lost`` say how: what happens to the next request that does not get through, and so on."""
        super().__init__(changed, lambda _: False)
        self._proxy = proxy
        self._real = real
        self._through = through
        self._refused = refused
        self._lost = lost

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
        try:
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
        left = [fault]
        self._proxy.policy = lambda method, path: left.pop() if left else None
        try:
            yield
        finally:
            assert not left, "no request was sent"
            self._proxy.policy = lambda method, path: None
