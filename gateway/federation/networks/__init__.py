"""What stands between a node and its peers, and sees nothing of what they say: a proxy on the way out, a front before
the listener.
"""
