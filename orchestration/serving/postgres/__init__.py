"""Publishing to PostgreSQL, where every viewer has a login and the server enforces whose rows it shows.

Belongs here: one small file per step, put together in `publish.py`. Not here: who may see what (`core_*_scope`,
`serving/owners.py`); these modules carry those rules over, they make none.
"""
