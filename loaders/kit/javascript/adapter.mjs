// An adapter to begin with: it speaks the protocol (spec/adapter.md), and its loader can do nothing yet.
// Run it as `node adapter.mjs`. Your loader goes where a comment says so; each function gets fields of the right form.

class ProtocolError extends Error {
  constructor(error, message = "") {
    super(message);
    this.error = error;
  }
}

const bad = (message) => {
  throw new ProtocolError("bad-request", message);
};

// Checks of forms: each returns the value as the loader wants it.
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value, name) => (typeof value === "string" ? value : bad(`${name}: expected a string`));
const list = (value, name) => (Array.isArray(value) ? value : bad(`${name}: expected a list`));

function handle(value, name) {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 31 ? value : bad(`${name}: expected 0 to 2^31 - 1`);
}

function integer(value, name) {
  if (!/^-?(0|[1-9][0-9]{0,18})$/.test(text(value, name))) bad(`${name}: expected a decimal integer`);
  const found = BigInt(value);
  return BigInt.asIntN(64, found) === found ? found : bad(`${name}: expected 64 bits`);
}

function amount(value, name) {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text(value, name))) bad(`${name}: expected a decimal number`);
  return Number.isSafeInteger(Number(value)) ? Number(value) : bad(`${name}: expected less than 2^53`);
}

// The bits of a float as a BigInt: a Number may lose those of a NaN.
function bits(value, name) {
  return /^[0-9a-f]{16}$/.test(text(value, name)) ? BigInt(`0x${value}`) : bad(`${name}: expected 16 digits`);
}

// Say who you are. Name a feature only when its cases pass.
function hello() {
  return { outcome: "ok", name: "kit-javascript", version: "0", protocol: 1, features: [] };
}

// Map a file, check header and directory, and give out a handle.
function open(path) {
  // Your loader: {outcome: "ok", image: 1}, or {outcome: "malformed", rule: "PF-HDR-002"}. If the operating
  // system cannot open the path: bad(path).
  throw new ProtocolError("unsupported-command");
}

// Make a process of modules in their order: {name, image}, where `image` is null for the host module.
function link(modules) {
  // Your loader: {outcome: "ok", process: 1}, or {outcome: "unlinkable"}.
  throw new ProtocolError("unsupported-command");
}

// Call a function, or the entry function where `name` is null.
function call(process, module, name, i, n, fuel, depth) {
  // Your loader: {outcome: "ok", i: ["1"], n: ["3ff0000000000000"], log: []}, or
  // {outcome: "trap", code: "divide-by-zero", log: []}.
  throw new ProtocolError("unsupported-command");
}

// Forget an image or a process.
function close(kind, number) {
  // Your loader: {outcome: "ok"}.
  throw new ProtocolError("unsupported-command");
}

const COMMANDS = new Map([
  ["hello", hello],
  ["open", (q) => open(text(q.path, "path"))],
  [
    "link",
    (q) =>
      link(
        list(q.modules, "modules").map((entry) =>
          isObject(entry)
            ? { name: text(entry.name, "name"), image: entry.host === true ? null : handle(entry.image, "image") }
            : bad("modules: expected objects"),
        ),
      ),
  ],
  [
    "call",
    (q) =>
      call(
        handle(q.process, "process"),
        text(q.module, "module"),
        q.entry === true ? null : text(q.function, "function"),
        list(q.i, "i").map((x) => integer(x, "i")),
        list(q.n, "n").map((x) => bits(x, "n")),
        amount(q.fuel, "fuel"),
        amount(q.depth, "depth"),
      ),
  ],
  ["close", (q) => ("image" in q ? close("image", handle(q.image, "image")) : close("process", handle(q.process, "process")))],
]);

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parse(line) {
  try {
    return JSON.parse(decoder.decode(line));
  } catch (error) {
    return bad(error.message);
  }
}

// The reply to one line, whatever it holds.
function answer(line) {
  let id = 0;
  try {
    const request = parse(line);
    if (!isObject(request)) bad("expected an object");
    id = handle(request.id, "id");
    const command = COMMANDS.get(text(request.command, "command"));
    if (command === undefined) throw new ProtocolError("unsupported-command");
    return { id, ...command(request) };
  } catch (error) {
    if (error instanceof ProtocolError) return { id, error: error.error, message: error.message };
    return { id, error: "internal", message: String(error) };
  }
}

let pieces = []; // of a line whose end has not come yet
for await (let chunk of process.stdin) {
  for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10)) {
    process.stdout.write(`${JSON.stringify(answer(Buffer.concat([...pieces, chunk.subarray(0, end)])))}\n`);
    chunk = chunk.subarray(end + 1);
    pieces = [];
  }
  pieces.push(chunk);
}
