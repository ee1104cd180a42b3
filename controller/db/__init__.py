"""The database: one engine, one transaction per request or job, committed at the edge."""
