"""Durable state: SQLAlchemy Core tables, one writer with group commit, named queries; content arrives sealed."""
