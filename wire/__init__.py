"""What controller and station agree on: topics, ids, messages and signatures."""
