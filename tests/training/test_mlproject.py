"""The entry points of mlflow/MLproject, run as a person would run them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mlflow import MlflowClient

ROOT = Path(__file__).resolve().parents[2]


def test_the_project_trains_and_registers(tiny: Path, empty_store: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(
        f'[data]\npaths = ["{tiny}"]\n[features]\nmost_ngrams = 500\n[folds]\ncount = 2\n', "utf-8"
    )
    store = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    binaries = str(Path(sys.executable).parent)
    # Other tests of this process leave MLflow's own variables, such as an experiment of another store, behind.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment = {**clean, "MLFLOW_TRACKING_URI": store, "PATH": binaries + os.pathsep + os.environ["PATH"]}
    command = [f"{binaries}/mlflow", "run", str(ROOT / "mlflow"), "-e", "train", "-P", f"config={tmp_path}/small.toml"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    version = MlflowClient(store, store).get_model_version_by_alias("framing", "champion")
    assert str(version.version) == "1"
