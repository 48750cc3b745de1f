"""Node to node over HTTPS (PROTOCOL B8, B8a, B14).

This room carries bytes. It knows no case, reads no protocol document and holds no key: signing and checking are
callables that ``gateway.app`` hands in. Read it in this order:

    ports        what this room asks of the rest of the node
    endpoints    the closed list of what two nodes may ask of each other, with the limits of each
    address      where a peer is reached and which server keys it is pinned to
    signatures   the HTTP signature profile ``nrm-node/1``: pure functions
    nonces       which signed requests were seen already; rates: how fast one address may ask; both bounded
    tls          the two TLS contexts and the pin
    server       the front door: receive steps 1 and 2, then a handler, then the signed answer
    listener     the sockets under it
    client       the way out: a signed request, and an answer that counts only when it is signed
"""
