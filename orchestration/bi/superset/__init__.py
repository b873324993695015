"""The dashboards as a bundle that Apache Superset imports, made for people who see different rows.

Everybody has objects of their own in it: a connection with their PostgreSQL login, and over it datasets, charts and
dashboards. The rows are kept apart by PostgreSQL, in Superset a role per person says who opens whose.
"""
