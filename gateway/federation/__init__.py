"""Node to node over HTTPS (nrm1 9).

This package carries bytes. It knows no case, reads no protocol document and holds no key: signing and verifying are
callables that ``gateway.app`` passes in. Read it in this order:

    ports        the interfaces that the rest of the node provides
    endpoints    the closed list of requests between nodes, with the limits of each
    address      the address of a peer and the server keys pinned for it
    signatures   the HTTP signature profile ``nrm-node/1``: pure functions; signing: its other half
    nonces       the signed requests seen already; rates: the request rate of one address; both bounded
    tls          the two TLS contexts and the pin
    request_line receive step 1
    server       receive step 2, then a handler, then the signed answer
    handlers     the interface of the handlers
    listener     the sockets under the server
    client       outgoing requests, signed, with answers that count only when signed; wire: one request on the network
    networks/    what stands between nodes and reads nothing: a proxy on the way out, a front before the listener
    probe        the way to a peer, tested layer by layer
"""
