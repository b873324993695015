"""The KPI warehouse: CRM tables in, KPIs people can check out. Start reading at `definitions.py` or `cli.py`."""
