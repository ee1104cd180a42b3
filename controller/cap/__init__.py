"""The Common Alerting Protocol 1.2 (OASIS): alerts as CAP messages out, and CAP messages in as alerts."""
