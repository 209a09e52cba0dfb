import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from framing.errors import Busy
from training.locks import file_lock
from training.processes import has_died, this_process

HOLD = """
import sys, time
from pathlib import Path
from training.locks import file_lock
with file_lock(Path(sys.argv[1]), wait=False):
    print("held", flush=True)
    time.sleep(60)
"""


def test_this_process_lives() -> None:
    assert not has_died(this_process())


def test_a_process_that_ended_has_died_even_when_its_id_is_used_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from training.processes import this_process; print(this_process())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert has_died(done.stdout.strip())
    host, boot, space, _, started = done.stdout.split()
    assert has_died(f"{host} {boot} {space} {os.getpid()} {started}")
    assert has_died(f"{host} an-earlier-boot {space} {os.getpid()} {started}")


@pytest.mark.parametrize("process", ["", "nonsense", "another-host boot space 1 1"])
def test_what_runs_elsewhere_or_says_nothing_is_left_alone(process: str) -> None:
    assert not has_died(process)


def test_a_lock_has_one_holder_and_goes_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Busy, match=f"held by process {holder.pid}"), file_lock(lock, wait=False):
        pytest.fail("two hold the lock")
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    with file_lock(lock, wait=False):
        assert lock.read_text().strip() == str(os.getpid())
