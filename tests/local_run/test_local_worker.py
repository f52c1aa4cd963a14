from pathlib import Path

import pytest

from kubemr_shell.errors import JobNotFound
from kubemr_shell.job_folder.folder import JobFolder
from kubemr_shell.local_run.local_worker import LocalWorker, LocalWorkerOptions
from kubemr_shell.worker.memory import divide_memory


def test_a_worker_that_starts_when_its_job_is_gone_says_so(tmp_path: Path) -> None:
    job = JobFolder(root=str(tmp_path / "out" / "_kubemr" / "uid"), output=str(tmp_path / "out"))
    options = LocalWorkerOptions(
        worker="w0", workers=1, memory=divide_memory(1 << 28, 1), environment={}, folder=str(tmp_path)
    )
    with pytest.raises(JobNotFound, match="the board was removed; its job is over"):
        LocalWorker(job, options)
