import json
import time
from pathlib import Path
from random import Random

from kubemr_shell.board.board import Board
from kubemr_shell.board.job_state import PlanFacts
from kubemr_shell.board.steps import Planning, Working
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.board.timing import Timing
from kubemr_shell.job_folder.folder import JOB_NAME
from kubemr_shell.local_run.progress_snapshots import SnapshotReader
from kubemr_shell.outputs.folder_output import FolderOutput
from kubemr_shell.screens.progress import Snapshot


def test_progress_tells_done_tasks_and_repeated_attempts(tmp_path: Path) -> None:
    job = FolderOutput(str(tmp_path)).job("uid")
    job.make(name="words", old_parts=None)
    reader = SnapshotReader(job)
    assert reader.snapshot() is None
    store = SqliteStore(job.board)
    Board.create(store, name=JOB_NAME, uid="uid", spec={"maxAttempts": 4})
    board = Board(
        store, JOB_NAME, "w", slots=3, workers=1, timing=Timing.local(), clock=time.monotonic, random=Random(1)
    )
    board.deploy()
    assert reader.snapshot() == Snapshot(phase="plan")
    planning = board.next()
    assert isinstance(planning, Planning)
    facts = PlanFacts(
        claim_id=planning.claim.id, tasks=3, partitions=1, spec={"maxAttempts": 4}, fingerprint="", input_bytes=90
    )
    board.record_plan(planning.claim, facts)
    working = board.next()
    assert isinstance(working, Working)
    first, second, _ = working.claim.attempts
    claim = board.commit(working.claim, [first], more=False)
    board.fail(claim, second, {"reason": "exit status 1"})
    (tmp_path / "_kubemr" / "uid" / "workers" / "w.lock").touch()
    (tmp_path / "_kubemr" / "uid" / "workers" / "w.progress").write_text(
        json.dumps({"at": time.monotonic(), "bytes": {"map": 30}, "status": [7.5, "map/1: busy"]})
    )
    assert reader.snapshot() == Snapshot(
        phase="map", tasks_done=1, tasks=3, bytes_done=30, bytes_total=90, retries=1, status="map/1: busy"
    )
    reader.close()
    store.close()
