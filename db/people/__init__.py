"""Companies, customers, staff, credentials and the audit log."""
