"""What can go wrong while handing dashboards to Superset. Messages say what happened, where, and what to do."""

from __future__ import annotations


class SupersetError(Exception):
    """Dashboards could not be made for somebody, or Superset did not take them."""
