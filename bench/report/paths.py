"""Where results and pages are written."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results"
PAGES = ROOT / "docs" / "performance"
README = ROOT / "README.md"
GPU_GUIDE = ROOT / "docs" / "gpu.md"
