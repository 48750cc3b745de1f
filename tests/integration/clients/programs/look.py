"""Ask the node, print the client in each way, ask an address that names another one, try addresses that are none."""

import os
import sys

from trm_gateway_client.api.message import message_list
from trm_gateway_client.connecting import connect

token = os.environ["TRM_TOKEN"]
node = connect(os.environ["TRM_URL"], token)
print(type(message_list.sync(client=node)).__name__)
print("printed", node, repr(node), [node], repr(node.with_headers({"X-Other": "y"})))
print("answered", connect(sys.argv[1], token).get_httpx_client().get("/api/v1/messages").status_code)
for address in ("file:///etc/passwd", "127.0.0.1:8080", "http://ana:word@127.0.0.1"):
    try:
        connect(address, token)
    except ValueError as error:
        print("refused", error)
