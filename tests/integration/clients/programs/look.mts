// Ask the node, print the client in each way, ask an address that names another one, and try addresses that are none.
import { inspect } from "node:util";

import { connect } from "trm-gateway-client";

const token = process.env["TRM_TOKEN"] ?? "";
const node = connect(process.env["TRM_URL"] ?? "", token);
const { data } = await node.GET("/api/v1/messages");
console.log(data === undefined ? "nothing" : "Messages");
console.log("printed", inspect(node, { depth: 9, showHidden: true }).replace(/\s+/g, " "), JSON.stringify(node));
const stopped = await connect(process.argv[2] ?? "", token).GET("/api/v1/messages").catch(() => "stopped");
console.log("answered", stopped);
for (const address of ["file:///etc/passwd", "127.0.0.1:8080", "http://ana:word@127.0.0.1"]) {
  try {
    connect(address, token);
  } catch (error) {
    console.log("refused", (error as Error).message);
  }
}
