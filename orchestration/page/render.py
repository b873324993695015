"""The one HTML file: markup, styles, the chart library, the page's script and the data, nothing of which is loaded.

Belongs here: putting the parts together so that no text can become markup and nothing from elsewhere can run. Not
here: the data's shape (`payload.py`) or looks (`assets/`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from functools import cache
from importlib.resources import files
from typing import Any

from orchestration.page.collect import Collected
from orchestration.page.payload import head, parts
from orchestration.report.labels import Lang, word

# Above it a file grows smaller by little and takes much longer.
_LEVEL = 5


def render(collected: Collected, chart_runtime: str, lang: Lang | None = None) -> str:
    """The file's text. Each person's part is compressed by itself, and unpacked by the reader when it is looked at."""
    script = _asset("charts.js") + _asset("page.js")
    data = [
        f'<script type="application/json" id="head">{_json_in_markup(head(collected, lang))}</script>',
        *(
            f'<script type="application/octet-stream" data-subject="{html.escape(subject)}">{_packed(part)}</script>'
            for subject, part in parts(collected)
        ),
    ]
    places = {
        "LANG": (lang or Lang.VI).value,
        "CSP": _policy(chart_runtime, script),
        "TITLE": html.escape(_title(collected)),
        "NOSCRIPT": html.escape(" · ".join(word("needs_script", one) for one in Lang)),
        "STYLE": _asset("page.css"),
        "DATA": "\n".join(data),
        "RUNTIME": chart_runtime,
        "SCRIPT": script,
    }
    # One pass over the template: what is put in is not looked through for places again.
    text = []
    for piece in _asset("page.html").split("{{"):
        name, found, rest = piece.partition("}}")
        text.append(places[name] + rest if found else piece)
    return "".join(text)


def _title(collected: Collected) -> str:
    subjects = list(collected.subjects.values())
    whose = subjects[0][0].full_name if len(subjects) == 1 else collected.viewer.name
    return f"KPI · {whose} · {collected.publication.as_of}"


def _policy(*scripts: str) -> str:
    """Only these scripts run; nothing is fetched, sent or framed."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _json_in_markup(content: Any) -> str:
    """JSON that no text in it can end or comment out."""
    return _json(content).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _packed(content: Any) -> str:
    return base64.b64encode(gzip.compress(_json(content).encode(), _LEVEL, mtime=0)).decode()


@cache
def _asset(name: str) -> str:
    return (files("orchestration.page") / "assets" / name).read_text(encoding="utf-8")
