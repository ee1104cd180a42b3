"""Pure time rules: from a timetable's rule to instants, from instants to what sounds. No I/O, no clock."""
