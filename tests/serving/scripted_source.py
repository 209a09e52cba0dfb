"""A stand-in for serving.model_source whose registry is a JSON file: reports by model address, written by a test.

It takes the same command line; the tracking URI is the path of the file. Bundles are taken where they lie.
"""

import argparse
import json
import select
import socket
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("channel", type=int)
    for flag in ("--tracking-uri", "--cache", "--interval"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--model", action="append", required=True)
    options = parser.parse_args()
    last: dict[str, str] = {}
    with socket.socket(fileno=options.channel) as channel:
        while not select.select([channel], [], [], float(options.interval) if last else 0)[0]:
            reports = json.loads(Path(options.tracking_uri).read_text("utf-8"))
            for model in options.model:
                report = json.dumps(reports[model])
                if report != last.get(model):
                    channel.sendall(report.encode() + b"\n")
                    last[model] = report


if __name__ == "__main__":
    main()
