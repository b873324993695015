"""Dagster assets: thin wrappers that call the packages around them.

Nothing imports from here but `definitions.py`.
"""
