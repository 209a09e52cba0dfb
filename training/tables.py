"""Reports of folds and benchmarks as tables for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MEASURES = (("topics", "f1_micro"), ("topics", "f1_macro"), ("framing", "f1_macro"), ("framing", "accuracy"))


def report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report by `build_report`: figures beside the baselines, labels, abstention, slices."""
    header = [f"{report['items']} items", *(f"{task} {name}" for task, name in _MEASURES)]
    rows = {"model": report, **report.get("baselines", {})}
    yield from aligned(header, [[name, *_measures(row)] for name, row in rows.items()])
    names = ("precision", "recall", "f1", "average_precision", "support")
    labels = {**report["topics"]["labels"], **report["framing"]["labels"]}
    lines = [
        [label, *_cells(scores, names[:-1], "{:.3f}"), f"{scores['support']:.0f}"] for label, scores in labels.items()
    ]
    yield from aligned(["label", *names], lines)
    selective, error = report["selective"], report["calibration"]["framing"]["expected_calibration_error"]
    yield (
        f"answered {selective['coverage']:.3f} of the items, {selective['accuracy']:.3f} of them right; "
        f"at 70 % coverage {selective['accuracy_at_coverage']['70%']:.3f}; calibration error {error:.3f}"
    )
    for way in ("by_language", "by_kind", "by_length"):
        header = [way.replace("_", " "), "items", *(f"{task} {name}" for task, name in _MEASURES)]
        yield from aligned(header, [[name, str(part["items"]), *_measures(part)] for name, part in report[way].items()])


def fold_table(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report by `describe_folds`."""
    groups = "".join(f", {count} of {name}" for name, count in report["groups"].items())
    yield f"{report['items']} items{groups}"
    duplicates = report["duplicates"]
    yield f"{duplicates['clusters']} clusters of near-duplicates with {duplicates['items']} items; the largest:"
    for cluster in duplicates["largest"]:
        more = ", …" if cluster["size"] > len(cluster["ids"]) else ""
        yield f"  {cluster['size']:5}  {', '.join(cluster['ids'])}{more}"
    yield from aligned(["fold", "train", "test", "left out"], _fold_rows(report["folds"]))
    yield f"{report['seconds']} s, at most {report['peak_megabytes']} MB"


def leave_out_table(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report by `leave_out`: each group that was left out, their mean, the worst, all together."""
    sizes = ("train", "test", "left_out")
    rows = [
        [
            name,
            *(str(group[size]) for size in sizes),
            *(_measures(group) if "topics" in group else [""] * len(_MEASURES)),
        ]
        for name, group in report["groups"].items()
    ]
    names, blank = [f"{task}.{name}" for task, name in _MEASURES], [""] * len(sizes)
    rows.append(["mean", *blank, *(f"{report['mean'][name]:.3f}" for name in names)])
    rows.append(["worst", *blank, *("{value:.3f} {group}".format(**report["worst"][name]) for name in names)])
    rows.append(["together", *blank, *_measures(report["report"])])
    if "stories" in report:
        rows.append(["folds by story", *blank, *_measures(report["stories"]["report"])])
        differences = [report["stories"]["difference"][name] for name in names]
        rows.append(["difference", *blank, *map("{difference:+.3f} [{low:+.3f}, {high:+.3f}]".format_map, differences)])
    header = [
        f"{report['kind']} left out",
        "train",
        "test",
        "in neither",
        *(f"{task} {name}" for task, name in _MEASURES),
    ]
    yield from aligned(header, rows)


def benchmark_table(name: str, report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report by `run_benchmark`: both sides, their difference, what was published."""
    metrics = list(report["recipe"]["figures"])
    rows = [[side, *_cells(report[side]["figures"], metrics, "{:.4f}")] for side in ("recipe", "baseline")]
    rows.append(["difference", *_cells(report["difference"], metrics, "{:+.4f}")])
    rows += [[system, *_cells(figures, metrics, "{:.4f}")] for system, figures in report["published"].items()]
    scored = ", ".join(map(str, sorted(set(report["scored"]))))
    yield f"{name}: {report['protocol']}, fitted on {report['fitted']} items, scored {scored} in each of the rounds"
    yield f"{report['rounds']} rounds, baseline: {report['baseline']['name']}"
    yield from aligned(["", *metrics], rows)
    yield from aligned(["F1 by label", "recipe", "baseline"], _label_rows(report))


def _measures(row: Mapping[str, Any]) -> list[str]:
    cells = []
    for task, name in _MEASURES:
        bounds = row[task]["intervals"].get(name)
        cells.append(f"{row[task][name]:.3f}" + (f" [{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else ""))
    return cells


def _fold_rows(folds: Sequence[Mapping[str, int]]) -> list[list[str]]:
    return [[str(number), *map(str, fold.values())] for number, fold in enumerate(folds, start=1)]


def _label_rows(report: Mapping[str, Any]) -> list[list[str]]:
    sides = [report[side]["f1_by_label"] for side in ("recipe", "baseline")]
    return [[label, *(f"{side[label]:.4f}" for side in sides)] for label in sides[0]]


def _cells(figures: Mapping[str, float], names: Sequence[str], form: str) -> list[str]:
    return [form.format(figures[name]) if name in figures else "–" for name in names]


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield `header` and `rows` as lines with columns that stand below each other, the first to the left."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for first, *others in (header, *rows):
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()
