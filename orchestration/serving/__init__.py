"""Publishing: the marts file, per-viewer files, and later PostgreSQL.

Belongs here: building a publication aside, checking it, swapping it in. Not here: SQL that gives a number its meaning.
"""
