"""Names the folder of the project, wherever a test stands in the tree."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
