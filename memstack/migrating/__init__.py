"""Migrations that an operator can trust, over Django's own: recorded, one at a time, checked, and back.

errors      what can go wrong, each with an exit status
lock        one process at a time changes the schema
records     a row for each applied migration: version, host, duration, checksum of the file
history     what is applied, pending, unknown or changed
executor    Django's, with each migration and its records in one transaction
applying    apply and create
rollback    back, and what would be lost
portrait    what tables, columns, indexes and constraints a database has
comparing   the database against the models
hazards     which SQL locks or rewrites a table, or breaks the version before
operations  for migrations of tables in use
report      status for people and for programs
"""
