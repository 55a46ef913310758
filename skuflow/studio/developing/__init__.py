"""What the studio does before and after a vendor: the picture it is given, and the shapes made from what comes back.

Pixels in, pixels out: no storage, no provider, no network.
"""
