"""Attacks on the PostgreSQL publication.

Each runs twice: against what we publish, where it must find nothing, and against a twin without the defence it tests,
where it must succeed: an attack that cannot succeed anywhere proves nothing.
"""
