"""What ``make test`` runs: every check and every test suite, one table, one verdict (``python -m checks``)."""
