"""Speed and memory: one command per question, each prints a table.

Belongs here: measuring what the real commands cost. Not here: tests, or numbers that anything depends on.
"""
