"""One package per CRM source; each answers "the tables as they stood on the night of D".

Belongs here: reading a CRM. Not here: judging rows (`contract/`) or storing them (`landing/`).
"""
