"""The monthly report for leadership: one month's frozen figures as HTML, PDF and XLSX.

From files to files: `facts.py` reads, `content.py` says what stands where, the renderers draw it, `write.py` puts it
down, `mail.py` sends it.
"""
