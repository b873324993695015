"""Metabase: the dashboards of `bi/dashboards.yml` and who may see them, provisioned through its REST API.

Belongs here: asking Metabase, what it should hold, and bringing the two together. Not here: what the dashboards show
(`bi/dashboards.yml`), or who may see which rows (PostgreSQL's policies, docs/security.md).
"""
