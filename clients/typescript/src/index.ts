/** A client of the local API of one node: `connect` gives it, `Problem` is how it refuses. */
import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./api.js";

export type { components, operations, paths, webhooks } from "./api.js";

type Schemas = components["schemas"];

/** A refusal (RFC 9457): nothing was changed, `code` says why, `hint` what to do. It repeats no value. */
export type Problem = Schemas["Problem"];
/** One of the words by which a node says why it refuses. */
export type Code = Problem["code"];
/** Any shape of the description by its name, such as `Shape<"WholeMessage">`. */
export type Shape<Name extends keyof Schemas> = Schemas[Name];

/**
 * Connect to the node at this address, such as `http://127.0.0.1:8080`, with this token.
 *
 * The token goes to this address and to no other: a redirection is an error.
 */
export function connect(url: string, token: string): Client<paths> {
  const address = new URL(url);
  if (!["http:", "https:"].includes(address.protocol) || address.username || address.password) {
    throw new TypeError("the address of a node begins with http:// or https:// and holds no name and no password");
  }
  return createClient<paths>({
    baseUrl: address.origin,
    headers: { Authorization: `Bearer ${token}` },
    redirect: "error",
  });
}

/** What a call with a file as its body says besides: `node.POST("/api/v1/attachments", { body: file, ...asFile })`. */
export const asFile = {
  headers: { "Content-Type": "application/octet-stream" },
  bodySerializer: (file: Blob): Blob => file,
};
