"""A fit on the AllSides articles beside `fasttext supervised -wordNgrams 2 -epoch 5 -thread 2`, one after the other.

Both are timed as whole processes, from their start to the fitted model: ours with its imports, the reading of the
JSON Lines and no model written; fastText with the reading of the same articles as lines of plain text and its model
written. Both are scored on the validation part, whose outlets training has not seen.
"""

import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.results import ROOT, Result, Skipped
from training.benchmark import text_of
from training.benchmark_config import DEFAULT_DATA, BenchmarkConfig, load_benchmark
from training.loader import Example, read_examples
from training.text_classifier import TextClassifier

COMMAND = "make bench BENCH=fit"
_FASTTEXT = ("-wordNgrams", "2", "-epoch", "5", "-thread", "2")
_LONGEST = 300  # seconds, of any one process


def measure() -> Iterator[Result]:
    """Yield the figures."""
    program = shutil.which("fasttext")
    if program is None:
        raise Skipped("no program fasttext here: apt-get install fasttext")
    if not (DEFAULT_DATA / load_benchmark("allsides").data.paths[0]).is_file():
        raise Skipped(f"no AllSides articles in {DEFAULT_DATA}")
    theirs = _by_fasttext(program)
    whole, half = _by_us(1), _by_us(2)
    yield Result("fit: fastText on AllSides", theirs["seconds"], "s", "", COMMAND)
    yield Result("fit: ours on AllSides", whole["seconds"], "s", "", COMMAND)
    yield Result("fit: time by fastText's", whole["seconds"] / theirs["seconds"], "times", "<= 1", COMMAND)
    yield Result("fit: peak memory", whole["gigabytes"], "GB", "<= 3", COMMAND)
    yield Result("fit: fastText's validation accuracy", 100 * theirs["accuracy"], "%", "", COMMAND)
    yield Result("fit: our validation accuracy", 100 * whole["accuracy"], "%", "", COMMAND)
    above = 100 * (whole["accuracy"] - theirs["accuracy"])
    yield Result("fit: validation accuracy above fastText's", above, "points", ">= 5", COMMAND)
    for name, unit in (("seconds", "time"), ("gigabytes", "memory")):
        yield Result(f"fit: {unit} at twice the articles", whole[name] / half[name], "times", "<= 2", COMMAND)


def fit_and_score(every: int, started: float) -> dict[str, float]:
    """Return what it took to fit on each `every`th article since `started`, as time.time() has it, and the accuracy."""
    config = load_benchmark("allsides")
    train, validation = (_examples(config, part) for part in ("paths", "validation"))
    train = train[::every]
    model = TextClassifier(config.recipe).fit(
        [text_of(example) for example in train],
        [example.labels[0] for example in train],
        groups=[example.groups[0] for example in train],
    )
    seconds = time.time() - started
    given = model.predict([text_of(example) for example in validation])
    right = np.mean(given == np.array([example.labels[0] for example in validation]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"articles": len(train), "seconds": seconds, "gigabytes": peak, "accuracy": float(right)}


def _by_us(every: int) -> dict[str, float]:
    code = "import json, sys; from tests.benchmarks.fit import fit_and_score; "
    code += "print(json.dumps(fit_and_score(int(sys.argv[1]), float(sys.argv[2]))))"
    run = _run([sys.executable, "-c", code, str(every), str(time.time())])
    told: dict[str, float] = json.loads(run)
    return told


def _by_fasttext(program: str) -> dict[str, float]:
    config = load_benchmark("allsides")
    with tempfile.TemporaryDirectory() as folder:
        files = {part: Path(folder) / f"{part}.txt" for part in ("paths", "validation")}
        for part, file in files.items():
            lines = (f"__label__{one.labels[0]} {' '.join(text_of(one).split())}\n" for one in _examples(config, part))
            file.write_text("".join(lines), "utf-8")
        model = Path(folder) / "model"
        begin = time.time()
        _run([program, "supervised", "-input", str(files["paths"]), "-output", str(model), *_FASTTEXT])
        seconds = time.time() - begin
        told = _run([program, "test", f"{model}.bin", str(files["validation"])])
    found = re.search(r"P@1\s+([\d.]+)", told)
    if found is None:
        raise Skipped(f"expected P@1 from fasttext test, got {told!r}")
    return {"seconds": seconds, "accuracy": float(found.group(1))}


def _examples(config: BenchmarkConfig, part: str) -> list[Example]:
    data = config.data.under(DEFAULT_DATA)
    return list(read_examples(getattr(data, part), data))


def _run(command: Sequence[str]) -> str:
    run = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=_LONGEST)
    return run.stdout
