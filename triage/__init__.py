"""From enquiry to answer: who is next, and who answers."""
