"""What people read: the KPI page in the terminal, and whatever else leadership is handed to read.

Belongs here: loading a page's numbers from a publication under one viewer's rights, and drawing them.
Does not: computing a KPI (the models do), building or publishing tables, deciding who may see whom.
"""
