"""Getfly CRM over its public REST API.

What is known of that API, and how well, is in docs/getfly.md; nothing of it is assumed that `probe.py` can ask.
"""
