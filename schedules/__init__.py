"""Pure time rules: from a timetable's rule to instants, and from instants to what sounds. No I/O, no clock."""
