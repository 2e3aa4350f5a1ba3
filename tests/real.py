"""Where the real data lies that some tests run on: $SHAODAO_DATA, or ../shared/data beside the repository."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SHAODAO_DATA") or ROOT.parent / "shared" / "data")
BIKES = DATA / "bikes"
