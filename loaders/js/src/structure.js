// Header and directory, by the parser that Kaitai Struct generated from the layout. Assumes the first bytes of the file
// and its true size; promises what the parser read, or the outcome and rule of the check that failed. It is the only file
// that knows the parser, and no lazy instance of it is ever touched: those would read whole sections.

import fs from 'node:fs';
import vm from 'node:vm';
import KaitaiStream from 'kaitai-struct/KaitaiStream.js';
import { CHECKS, ENUMS, MAGIC, ROWS, TOO_SHORT, VALUES } from '../generated/table.js';
import { PackfileError } from './errors.js';

// The parser passes each error the path of the check that failed, and the errors of the JavaScript runtime drop it
// (kaitai-struct 0.11.0 takes two arguments of four). These keep it. `position` is where it stands in the arguments.
function keepingPath(Base, position) {
  return class extends Base {
    constructor(...args) {
      super(...args);
      Object.setPrototypeOf(this, new.target.prototype);
      this.srcPath = args[position];
    }
  };
}

/** The head of a file that knows how long the whole file is: `_io.size` in the layout means the file's. */
class HeadStream extends KaitaiStream {
  constructor(head, fileSize) {
    super(head);
    this.fileSize = fileSize;
  }

  get size() {
    return this.fileSize;
  }

  static ValidationNotEqualError = keepingPath(KaitaiStream.ValidationNotEqualError, 3);
  static ValidationLessThanError = keepingPath(KaitaiStream.ValidationLessThanError, 3);
  static ValidationGreaterThanError = keepingPath(KaitaiStream.ValidationGreaterThanError, 3);
  static ValidationNotAnyOfError = keepingPath(KaitaiStream.ValidationNotAnyOfError, 2);
  static ValidationNotInEnumError = keepingPath(KaitaiStream.ValidationNotInEnumError, 2);
  static ValidationExprError = keepingPath(KaitaiStream.ValidationExprError, 2);
}

// The generated module asks its module system for the runtime. It is given ours through the AMD door of its UMD header, so
// that neither the generated file nor the runtime, which other code may share, has to be changed.
function loadParser() {
  const file = new URL('../generated/Packfile.cjs', import.meta.url);
  const exports = {};
  const define = (names, factory) => factory(exports, HeadStream);
  define.amd = true;
  vm.compileFunction(fs.readFileSync(file, 'utf8'), ['define'], { filename: file.pathname })(define);
  return exports.Packfile;
}

const Packfile = loadParser();
const HEAD = VALUES.header_size + VALUES.max_sections * ROWS.section.size;

function hex(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return typeof value === 'number' ? `0x${value.toString(16)}` : String(value);
}

function expectation(error, check, name, stream) {
  if (error.expected !== undefined) return hex(error.expected);
  if (error.min !== undefined) return `at least ${hex(error.min)}`;
  if (error.max !== undefined) return `at most ${hex(error.max)}`;
  if (name === 'file_length') return hex(stream.fileSize);
  return check.allowed?.join(' or ') ?? JSON.stringify(check.text.replace(/\s+/g, ' '));
}

function number(head, offset, type, little) {
  const view = new DataView(head);
  if (type === 'u1') return view.getUint8(offset);
  return type === 'u2' ? view.getUint16(offset, little) : view.getUint32(offset, little);
}

// What the parser had read when it refused is lost with it, so the field is read again for the message. A check of no bytes
// is named after the field it is about, or is about a whole entry of the directory, where the stream still stands.
function refusedField(check, stream, head) {
  const name = check.attribute.replace(/^check_/, '');
  const little = new Uint8Array(head)[ROWS.header.fields.byte_order.offset] === ENUMS.byte_order.little;
  const field = ROWS.header.fields[name];
  if (field !== undefined) {
    const value = field.type === 'bytes' ? null : number(head, field.offset, field.type, little);
    return { name, offset: field.offset, got: value === null ? null : hex(value) };
  }
  const past = Math.max(0, stream.pos - 1 - VALUES.header_size);
  const entry = VALUES.header_size + past - (past % ROWS.section.size);
  const got = Object.entries(ROWS.section.fields)
    .filter(([, { offset }]) => entry + offset < stream.pos)
    .map(([each, { offset, type }]) => `${each} ${hex(number(head, entry + offset, type, little))}`);
  return { name, offset: entry + (ROWS.section.fields[name]?.offset ?? 0), got: got.join(', ') };
}

function refusal(error, stream, head) {
  if (error instanceof KaitaiStream.EOFError) {
    const inDirectory = stream.pos >= VALUES.header_size;
    const rule = inDirectory ? TOO_SHORT.section : TOO_SHORT.packfile;
    const what = inDirectory ? 'the whole directory' : `the whole header, ${VALUES.header_size} bytes`;
    const details = { rule, offset: stream.fileSize };
    return new PackfileError('malformed', `expected ${what}, got a file of ${stream.fileSize} bytes`, details);
  }
  const check = CHECKS[error.srcPath];
  if (check === undefined) return error;
  const { name, offset, got } = refusedField(check, stream, head);
  const message = `expected ${expectation(error, check, name, stream)}, got ${got ?? hex(error.actual)}`;
  return new PackfileError(check.outcome, message, { rule: check.rule, offset });
}

/**
 * @param {Uint8Array} head the first bytes of the file, at least as many as header and greatest directory have
 * @param {number} fileSize
 * @returns the parser's `body`, with `byteOrder`
 */
export function readStructure(head, fileSize) {
  const copy = head.slice(0, HEAD).buffer;
  const stream = new HeadStream(copy, fileSize);
  // A file shorter than the magic number would be too short whatever its bytes are; one that differs from it is no packfile.
  const magic = head.subarray(0, MAGIC.length);
  if (magic.length < MAGIC.length && magic.some((byte, at) => byte !== MAGIC[at])) {
    throw new PackfileError('malformed', `expected ${hex(Uint8Array.from(MAGIC))}, got ${hex(magic)}`, {
      rule: CHECKS['/seq/0'].rule,
      offset: 0,
    });
  }
  try {
    const root = new Packfile(stream);
    return { byteOrder: root.byteOrder, body: root.body };
  } catch (error) {
    throw refusal(error, stream, copy);
  }
}
