"""How a board learns which station it is: its own key, a technician's code, one question to the centre."""
