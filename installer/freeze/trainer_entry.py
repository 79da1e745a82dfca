"""The packaged trainer starts here: the same command line, with torch and without Qt."""

import multiprocessing
import sys

from app.cli.main import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
