"""Run the sandbox with `python -m tap_gong.sandbox`."""

from __future__ import annotations

import sys

from tap_gong.sandbox.cli import main

sys.exit(main())
