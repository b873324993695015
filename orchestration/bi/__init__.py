"""Dashboards as code: declared once in `bi/dashboards.yml`, from which everything that shows or needs them is made."""
