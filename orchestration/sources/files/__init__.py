"""Any CRM through files: a folder with one CSV, Parquet or XLSX file per entity.

Belongs here: finding files and reading them as text or typed columns.
Not here: judging rows (`contract/validation.py`).
"""

from orchestration.sources.files.source import FilesSource, UnknownFile

__all__ = ["FilesSource", "UnknownFile"]
