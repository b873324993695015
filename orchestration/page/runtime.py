"""The chart library as one JavaScript text, bundled from the installed package, without a network.

Belongs here: making it once and keeping it. Not here: what is drawn with it.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from orchestration.landing.durable import write_durably

_PACKAGE = "vl-convert-python"


def library_path(cache_dir: Path) -> Path:
    """Where the text is kept."""
    return cache_dir / f"vega-{version(_PACKAGE)}.js"


def chart_runtime(cache_dir: Path) -> str:
    """Vega, Vega-Lite and Vega-Embed. Bundling takes seconds, so the text is kept, one file per version."""
    path = library_path(cache_dir)
    if not path.is_file():
        import vl_convert

        cache_dir.mkdir(parents=True, exist_ok=True)
        # Without a text of its own the bundle is the libraries under their usual names; the stub file lacks that case.
        bundled = vl_convert.javascript_bundle()  # type: ignore[call-arg]
        write_durably(path, bundled.replace("</script", "<\\/script").encode())
        os.chmod(path, 0o600)
    return path.read_text(encoding="utf-8")
