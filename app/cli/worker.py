"""Runs a worker process: reads frames from stdin, writes frames to stdout."""

import argparse
import importlib

from app.cli.console import Console

WORKERS = {
    "read": "app.exchange.foreign_reader",
    "train": "ml.training.worker",
    "export": "ml.export.worker",
    "time-steps": "ml.training.step_timing",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the worker's name."""
    parser.add_argument("name", choices=sorted(WORKERS))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Hand over to the worker's `main()`."""
    return int(importlib.import_module(WORKERS[arguments.name]).main() or 0)
