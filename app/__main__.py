"""`python -m app` and the console script: one door for every verb and the window."""

import sys

from app.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
