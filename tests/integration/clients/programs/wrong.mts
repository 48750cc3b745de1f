// What the compiler has to find: each line below a mark is wrong, and one that is right ends the compiling.
import { connect, type Code } from "trm-gateway-client";

const node = connect("http://127.0.0.1:8080", "t");
// @ts-expect-error a code that does not exist
export const code: Code = "no_such_code";
// @ts-expect-error a path that does not exist
await node.GET("/api/v1/nowhere");
// @ts-expect-error an id that is not given
await node.POST("/api/v1/messages/{id}/ack", { body: {} });
// @ts-expect-error a message without a key
await node.POST("/api/v1/messages", { body: { type: "enquiry.capacity/1", to: "AL", header: {}, content: {} } });
await node.POST("/api/v1/messages", {
  params: { header: { "Idempotency-Key": "k" } },
  // @ts-expect-error a body without what it needs
  body: { type: "enquiry.capacity/1" },
});
