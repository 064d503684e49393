// Reads AsyncAPI documents with @asyncapi/parser, and holds each example against its message's schema with Ajv.
// Prints for each file what it has found in it: {file, faults: [...], messages, examples}.
const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");
const Ajv = require("ajv").default;
const addFormats = require("ajv-formats").default;

const NEWER_ONES_EXIST = "asyncapi-latest-version";

async function read(file) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
  const faults = diagnostics
    .filter((one) => one.code !== NEWER_ONES_EXIST)
    .map((one) => `${one.code}: ${one.message} at ${one.path.join(".")}`);
  const messages = document ? document.allMessages().all() : [];
  let examples = 0;
  for (const message of messages) {
    // strict: false, because x-codes and its like are no words of JSON Schema
    const fits = addFormats(new Ajv({ strict: false, allErrors: true })).compile(message.payload().json());
    for (const example of message.examples().all()) {
      examples += 1;
      if (!fits(example.payload())) {
        faults.push(...fits.errors.map((one) => `${message.title()}${one.instancePath}: ${one.message}`));
      }
    }
  }
  return { file, faults, messages: messages.length, examples };
}

Promise.all(process.argv.slice(2).map(read)).then((found) => console.log(JSON.stringify(found)));
