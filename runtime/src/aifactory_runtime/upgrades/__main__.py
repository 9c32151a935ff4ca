"""For `factory update`: applies the steps to a folder with the owner's files, and answers in JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from aifactory_runtime.upgrades import steps

if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(steps.apply(Path(sys.argv[1])))))
