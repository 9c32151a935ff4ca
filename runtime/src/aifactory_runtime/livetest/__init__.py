"""A live test: a second model beside the champion on real requests, until the labels say which is better.

Rules without I/O: what one labelled request counts (`units`), what all of them prove (`evidence`), what follows
(`verdict`). Around them: what was recorded is read (`reading`), counted (`rows`) and acted upon (`look`).
"""
