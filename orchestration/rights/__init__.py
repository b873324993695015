"""Who may see whom, and why: explained for one viewer, and compared with the former publication.

Belongs here: reading and explaining rights. Not here: the rights themselves (`core_employee_scope`,
`core_department_scope`), or anything that enforces them (`serving/`).
"""
