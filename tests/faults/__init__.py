"""Faults: bad input, killed processes, full disks, cut files, second runs, odd clocks and odd orders of arrival."""
