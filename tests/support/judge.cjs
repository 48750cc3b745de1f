// The verdicts of ajv on bodies, by the published schemas as they are on disk. Started once by support/ajv.py.
//
//     node judge.cjs FOLDER_WITH_NODE_MODULES FOLDER_OF_SCHEMAS
//
// One JSON line in, one JSON line out, in the same order; ASCII only, since readline takes U+2028 for the end of a line:
//
//     {"file": "referral.accept.1.1.json", "body": ...}   ->   [] when valid, else one entry for each broken keyword:
//     [{"keyword": "required", "place": "/content", "at": "#/properties/content/required", "missing": "start",
//       "codes": false, "never": false}, ...]
//
// `place` is a pointer into the body. `at` points into the schema, but from the definition that ajv has compiled by
// itself, so it only tells which errors belong together. `codes` says that the schema there is that of a code list,
// `never` that nothing is allowed there. Where ajv throws on a body, the keyword is "thrown": whoever uses ajv has to
// refuse then. A wrong call, or a schema that does not compile, ends the process with the reason on stderr.
"use strict";

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");
const { createInterface } = require("node:readline");

const [modules, schemas] = process.argv.slice(2);
const load = createRequire(join(modules, "package.json"));
const Ajv = load("ajv/dist/2020").default;
const addFormats = load("ajv-formats").default;

const ANNOTATIONS = [
  "x-message", "x-object", "x-revision", "x-class", "x-category", "x-category-as", "x-category-codes", "x-codes",
  "x-text", "x-part", "x-each",
];

// Strict: an unknown keyword or format, or one that would be ignored, stops. Two of its rules are off, because they are
// about where a schema repeats itself and not about what it means: a condition names members whose type and whose
// definition stand in the object around it.
const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true, verbose: true });
ajv.addVocabulary(ANNOTATIONS);
addFormats(ajv, ["date"]);

const compiled = new Map();

function validator(file) {
  if (!compiled.has(file)) compiled.set(file, ajv.compile(JSON.parse(readFileSync(join(schemas, file), "utf8"))));
  return compiled.get(file);
}

// uniqueItems compares by fast-deep-equal, which calls a member `toString` or `valueOf` of the body as a function.
function errors(validate, body) {
  try {
    return validate(body) ? [] : validate.errors;
  } catch (fault) {
    if (!(fault instanceof TypeError)) throw fault;
    return [{ keyword: "thrown", instancePath: "", schemaPath: "#", params: {}, schema: true, parentSchema: {} }];
  }
}

function broken({ file, body }) {
  return errors(validator(file), body).map(({ keyword, instancePath, schemaPath, params, schema, parentSchema }) => ({
    keyword,
    place: instancePath,
    at: schemaPath,
    missing: params.missingProperty ?? null,
    codes: "x-codes" in parentSchema,
    never: keyword === "not" && Object.keys(schema).length === 0,
  }));
}

createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(broken(JSON.parse(line)))}\n`);
});
