"""Outputs a station can sound through. `contract` says what each must do."""
