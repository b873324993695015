"""BI servers that read the published PostgreSQL as its viewers do.

Not collected by `make test`: they need an environment of their own, which `make test-bi` installs.
"""
