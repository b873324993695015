"""The documentation builds as a site, and no link of it leads nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from orchestration.settings import PROJECT_DIR


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "--quiet", "-c", "docs", "-b", "html"]
    return subprocess.run(
        [*command, "-d", str(site / ".doctrees"), ".", str(site)], cwd=root, capture_output=True, text=True, check=False
    )


def test_every_link_of_the_documentation_leads_somewhere(tmp_path: Path) -> None:
    run = build(PROJECT_DIR, tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    pages = {path.relative_to(tmp_path).with_suffix(".md") for path in tmp_path.rglob("*.html")}
    written = {path.relative_to(PROJECT_DIR) for path in (PROJECT_DIR / "docs").rglob("*.md")}
    assert written <= pages


def test_a_link_to_nothing_stops_it(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "conf.py").write_text((PROJECT_DIR / "docs" / "conf.py").read_text(encoding="utf-8"), encoding="utf-8")
    (docs / "index.md").write_text("# Start\n\n## Here\n\n[good](index.md#here) [bad](index.md#nowhere) [no](no.md)\n")
    run = build(tmp_path, tmp_path / "site")
    assert run.returncode == 1
    assert "local id not found in doc 'docs/index': 'nowhere'" in run.stderr
    assert "cross-reference target not found: 'no.md'" in run.stderr
    assert "here" not in run.stderr.replace("nowhere", "").replace("target not found", "")
