"""What can go wrong while handing dashboards to a BI tool. Messages say what happened, where, and what to do."""

from __future__ import annotations


class BiError(Exception):
    """Dashboards could not be made for somebody, or the tool did not take them."""
