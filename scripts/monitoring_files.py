"""Writes what Prometheus and Grafana take to `deploy/`: `python -m scripts.monitoring_files [DIRECTORY]`.

Helm reads nothing outside its chart, and so alerts, recording rules and the dashboard stand in `helm/files/`. Those in
`deploy/` are the same, octet for octet.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

FILES: Final = ROOT / "helm" / "files"

DEPLOY: Final = ROOT / "deploy"

COPIES: Final = {
    "alerts.yaml": "prometheus/alerts.yaml",
    "recording.yaml": "prometheus/recording.yaml",
    "grafana-dashboard.json": "grafana/revet.json",
}
"""Which file of the chart is which one below `deploy/`."""


def main() -> None:
    """Write them."""
    directory = Path(sys.argv[1]) if sys.argv[1:] else DEPLOY
    for name, copy in COPIES.items():
        (directory / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FILES / name, directory / copy)
        print(f"wrote {directory / copy}")


if __name__ == "__main__":
    main()
