"""The documentation as a site: `make docs`. The pages are the Markdown files that the repository's reader sees.

Belongs here: the generator's settings. Not here: any text. A link that leads nowhere stops the build.
"""

project = "KPI warehouse"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    *("README.md", "README.vi.md", "CONTRIBUTING.md", "benchmarks/README.md"),
    *("docs/*.md", "docs/metrics/*.md", "docs/metrics/vi/*.md"),
    "bi/metabase/README.md",
]
myst_heading_anchors = 4
myst_enable_extensions = ["fieldlist"]
# Diagrams are shown as their text: what draws them would have to be fetched by every reader.
suppress_warnings = ["misc.highlighting_failure"]
html_theme = "furo"
html_title = project
html_show_sourcelink = False
html_copy_source = False


def _leave_out_of_sidebar(_app, name, source):
    """Pages of single metrics are found from their list; the sidebar would have hundreds of lines, on every page."""
    if name.startswith("docs/metrics/") and not name.endswith("/README"):
        source[0] = f"---\norphan: true\n---\n\n{source[0]}"


def setup(app):
    """Called by the generator."""
    app.connect("source-read", _leave_out_of_sidebar)
