"""The central controller: one folder per capability, in the order data flows through them."""
