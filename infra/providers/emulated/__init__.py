"""Stand-ins for clouds' provider plugins: what a vendor's schemas say is refused, made, changed and taken away here."""
