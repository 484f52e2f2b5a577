"""Bytes only: the tus protocol, staging, the local store, names and checksums.

Plain Python without Django or a database; the application meets it at `uploads/gate`.
"""
