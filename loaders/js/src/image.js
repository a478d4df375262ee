// One opened file. Assumes a path; promises a file whose header and directory keep every rule of time `open`, and readers of
// its words and bytes in either byte order. Rows, names and code are not looked at here and may hold anything.

import { ENUMS, ROWS, SECTIONS, VALUES } from '../generated/table.js';
import { malformed } from './errors.js';
import { Source } from './source.js';
import { readStructure } from './structure.js';

const KIND_NAMES = new Map(Object.entries(ENUMS.section_kind).map(([name, kind]) => [kind, name]));
const HEADER = ROWS.header.fields;

/** @typedef {{offset: number, length: number, count: number}} Section */

export class Image {
  /** @param {string} path @throws {import('./errors.js').PackfileError} or an error of the system */
  constructor(path) {
    const source = new Source(path);
    try {
      const { byteOrder, body } = readStructure(source.head, source.size);
      this.path = path;
      this.little = byteOrder === ENUMS.byte_order.little;
      this.version = body.version;
      this.unit = 2 ** body.unitLog2;
      this.entry = body.entry === VALUES.no_entry ? null : body.entry;
      this.bssSize = body.bssSize;
      this.digestRoot = body.digestRoot;
      /** In file order. @type {{kind: number, name: string|null, offset: number, length: number}[]} */
      this.directory = body.sections.map(({ kindId, offset, length }) => {
        return { kind: kindId, name: KIND_NAMES.get(kindId) ?? null, offset, length };
      });
      /** By name; a section that the file lacks has length and count 0. @type {Record<string, Section>} */
      this.sections = {};
      for (const name of Object.keys(SECTIONS)) this.sections[name] = this.#section(name);
      this.#checkAcross();
      source.spread();
    } catch (error) {
      source.release();
      if (error.outcome !== undefined) error.path = path;
      throw error;
    }
    this.source = source;
    this.view = source.view;
    this.bytes = source.bytes;
    this.codeOffset = this.sections.code.offset;
    this.functionCount = this.sections.functions.count;
    /** Verified code and verdicts, by function; filled by the machine. */
    this.functions = new Map();
    this.closed = false;
  }

  #section(name) {
    const { kind, rowSize } = SECTIONS[name];
    const entry = this.directory.find((each) => each.kind === kind);
    if (entry === undefined) return { offset: 0, length: 0, count: 0 };
    return { offset: entry.offset, length: entry.length, count: entry.length / rowSize };
  }

  // What the layout cannot say of one field at a time.
  #checkAcross() {
    const { functions, imports, exports, code, strings, digests } = this.sections;
    if ((functions.length === 0) !== (code.length === 0)) {
      const [has, lacks] = functions.length === 0 ? ['code', 'functions'] : ['functions', 'code'];
      throw malformed('PF-SEC-001', VALUES.header_size, `sections functions and code, or neither`, `${has} without ${lacks}`);
    }
    if (imports.length + exports.length > 0 && strings.length === 0) {
      throw malformed('PF-SEC-002', VALUES.header_size, 'a strings section beside imports or exports', 'none');
    }
    if (this.entry !== null && this.entry >= functions.count) {
      throw malformed('PF-HDR-009', HEADER.entry.offset, `an index below ${functions.count}, or none`, this.entry);
    }
    const rooted = this.digestRoot.some((byte) => byte !== 0);
    if (rooted !== digests.length > 0) {
      const expected = digests.length > 0 ? 'a digest root beside digests' : '32 zero bytes without digests';
      throw malformed('PF-INT-001', HEADER.digest_root.offset, expected, Buffer.from(this.digestRoot).toString('hex'));
    }
  }

  /** Offset in the file of a row of a section, which is then there to be read. @param {string} section @param {number} index */
  row(section, index) {
    const size = SECTIONS[section].rowSize;
    const offset = this.sections[section].offset + index * size;
    this.source.need(offset, size);
    return offset;
  }

  /** @param {number} offset of bytes that `row` or `need` gave */
  u32(offset) {
    return this.view.getUint32(offset, this.little);
  }

  u16(offset) {
    return this.view.getUint16(offset, this.little);
  }

  /** A word of code, as a signed number. @param {number} index of a word that was asked for by `needCode` */
  word(index) {
    return this.view.getInt32(this.codeOffset + index * ROWS.code_word.size, this.little);
  }

  needCode(start, end) {
    this.source.need(this.wordOffset(start), (end - start) * ROWS.code_word.size);
  }

  wordOffset(index) {
    return this.codeOffset + index * ROWS.code_word.size;
  }

  /** Closes the file for its holder; processes that use it go on. */
  close() {
    if (this.closed) return;
    this.closed = true;
    this.source.release();
  }
}

/**
 * Opens a packfile: checks header and directory, reads nothing else.
 * @param {string} path
 * @returns {Image}
 */
export function open(path) {
  return new Image(path);
}
