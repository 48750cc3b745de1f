// Writes the types of the local API: node describe.mjs openapi.json src/api.d.ts
import { readFile, writeFile } from "node:fs/promises";

import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const BLOB = ts.factory.createTypeReferenceNode("Blob");
const [source, target] = process.argv.slice(2);
const description = JSON.parse(await readFile(source, "utf8"));
const types = await openapiTS(description, {
  // The bytes of a file are no text: without this they would be described as one.
  transform: (schema) => (schema.format === "binary" ? BLOB : undefined),
  // What has a default may be left out; without this it would have to be said.
  defaultNonNullable: false,
});
await writeFile(target, astToString(types));
