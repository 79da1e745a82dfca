"""The option that says where the text model runs."""

import argparse


def add_provider_argument(parser: argparse.ArgumentParser) -> None:
    """Where the text model is to run."""
    parser.add_argument(
        "--provider",
        choices=("auto", "cpu", "cuda", "tensorrt"),
        default="auto",
        help="where the text model runs; auto: on the graphics card if it can, and else on the processor; "
        "cuda, tensorrt: there or not at all (tensorrt builds its engine at every start, which takes long)",
    )
