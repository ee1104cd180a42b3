"""A small Lào Cai to try the product on: real communes, invented people and sound."""
