"""The fault campaign: many small worlds, each a whole trader beside a faulty venue on virtual time, drawn from a seed."""
