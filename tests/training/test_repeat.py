"""A run again, in another process with other hashes of strings: the same bits."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import SMALL

_RUN = """
import json, sys
from pathlib import Path
from framing.bundle import save_bundle
from framing.taxonomy import default_taxonomy
from training.config import load_config
from training.data import load_corpus
from training.fit import fit
from training.held_out import HeldOut
from training.reference import held_out_reference
from training.run import golden_articles, read_all
from training.run_log import full_report

data, folder, *settings = sys.argv[1:]
config, taxonomy = load_config("default", settings), default_taxonomy()
items = load_corpus([data], taxonomy).items
articles = read_all(items)
result = fit(config, items, articles, taxonomy)
held_out = HeldOut.of(config, items, result, taxonomy)
seen = [articles[row] for row in held_out.rows.tolist()]
info = {"run_id": "r", "corpus_sha256": "c", "reference": held_out_reference(held_out, seen)}
save_bundle(result.model, Path(folder), golden_articles(items), info=info)
(Path(folder) / "report.json").write_text(json.dumps(full_report(held_out, seen)))
(Path(folder) / "scores.bin").write_bytes(result.out_of_fold.scores.tobytes())
(Path(folder) / "folds.json").write_text(json.dumps(result.out_of_fold.fold.tolist()))
"""


def test_another_process_with_other_hashes_gives_the_same_bits(few: Path, tmp_path: Path) -> None:
    processes = []
    for seed in ("1", "2"):
        command = [sys.executable, "-c", _RUN, str(few), str(tmp_path / seed), *SMALL]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        processes.append(subprocess.Popen(command, env=environment))
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    first, second = ({file.name: file.read_bytes() for file in (tmp_path / seed).iterdir()} for seed in ("1", "2"))
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert {"report.json", "scores.bin", "folds.json"} < set(first)
