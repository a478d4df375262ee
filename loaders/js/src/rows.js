// Rows of functions, imports and exports, and names. Assumes an image and an index below the count of its section; promises
// the fields in numbers whatever they hold, and the checks of one row, for whoever has to make them at its time.

import { CHECKS, ENUMS, ROWS, VALUES } from '../generated/table.js';
import { malformed, PackfileError } from './errors.js';

const KIND = ENUMS.import_kind;
const SEGMENT = ENUMS.segment;
const FUNCTION = ROWS.function_row.fields;
const IMPORT = ROWS.import_row.fields;
const EXPORT = ROWS.export_row.fields;

// The checks of single fields stand in the layout, and their rules with them.
const RULES = new Map();
for (const [path, check] of Object.entries(CHECKS)) {
  const type = path.split('/').at(-3);
  RULES.set(`${type}.${check.attribute}`, check);
}

/** @param {string} field as `import_row.kind` */
export function ruleOf(field) {
  return RULES.get(field).rule;
}

/** The four counts of a signature word. @param {number} word */
export function counts(word) {
  return { ip: word & 255, np: (word >>> 8) & 255, ir: (word >>> 16) & 255, nr: word >>> 24 };
}

/** @param {import('./image.js').Image} image @param {number} index */
export function functionRow(image, index) {
  const at = image.row('functions', index);
  return {
    at,
    start: index === 0 ? 0 : image.u32(image.row('functions', index - 1) + FUNCTION.code_end.offset),
    end: image.u32(at + FUNCTION.code_end.offset),
    signature: image.u32(at + FUNCTION.signature.offset),
    iRegisters: image.view.getUint8(at + FUNCTION.i_registers.offset),
    nRegisters: image.view.getUint8(at + FUNCTION.n_registers.offset),
    reserved: image.u16(at + FUNCTION.reserved.offset),
  };
}

/** Signature word of a function, without a look at the rest of its row. */
export function signatureOf(image, index) {
  return image.u32(image.row('functions', index) + FUNCTION.signature.offset);
}

export function importRow(image, index) {
  const at = image.row('imports', index);
  return {
    at,
    kind: image.view.getUint8(at + IMPORT.kind.offset),
    binding: image.view.getUint8(at + IMPORT.binding.offset),
    reserved: image.u16(at + IMPORT.reserved.offset),
    moduleOffset: image.u32(at + IMPORT.module_offset.offset),
    moduleLength: image.u32(at + IMPORT.module_length.offset),
    nameOffset: image.u32(at + IMPORT.name_offset.offset),
    nameLength: image.u32(at + IMPORT.name_length.offset),
    requirement: image.u32(at + IMPORT.requirement.offset),
  };
}

export function exportRow(image, index) {
  const at = image.row('exports', index);
  return {
    at,
    nameOffset: image.u32(at + EXPORT.name_offset.offset),
    nameLength: image.u32(at + EXPORT.name_length.offset),
    kind: image.view.getUint8(at + EXPORT.kind.offset),
    segment: image.view.getUint8(at + EXPORT.segment.offset),
    reserved: image.u16(at + EXPORT.reserved.offset),
    position: image.u32(at + EXPORT.position.offset),
    size: image.u32(at + EXPORT.size.offset),
  };
}

/** Whether a name may be read at all: it lies within the strings, is not empty, and is not too long. */
export function nameIsReadable(image, offset, length) {
  const size = image.sections.strings.length;
  return offset <= size && length <= size - offset && length >= 1 && length <= VALUES.max_name_length;
}

/** @param {number} at offset of the reference in the file */
export function checkName(image, offset, length, at) {
  const size = image.sections.strings.length;
  if (offset > size || length > size - offset) {
    throw malformed('PF-SEC-003', at, `a name within ${size} bytes of strings`, `${length} bytes at ${offset}`);
  }
  if (length === 0) throw malformed('PF-SEC-004', at, 'a name of at least one byte', 'an empty one');
  if (length > VALUES.max_name_length) {
    throw malformed('PF-LIM-005', at, `a name of at most ${VALUES.max_name_length} bytes`, length);
  }
}

/** The bytes of a readable name; a view, not a copy. */
export function nameBytes(image, offset, length) {
  const at = image.sections.strings.offset + offset;
  image.source.need(at, length);
  return image.bytes.subarray(at, at + length);
}

/** A key that is equal for equal bytes, well-formed or not. @param {Uint8Array} bytes */
export function nameKey(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** A name for people: what is not printable is escaped. @param {Uint8Array} bytes */
export function showName(bytes) {
  return JSON.stringify(Buffer.from(bytes).toString('utf8')).slice(1, -1).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, '\\?');
}

function field(row, name, offset, got, expected = RULES.get(`${row}.${name}`).allowed.join(' or ')) {
  return malformed(ruleOf(`${row}.${name}`), offset, expected, got);
}

/** PF-FIX-001 to PF-FIX-003 and both names (PF-FIX-024). */
export function checkImport(image, row) {
  if (row.kind !== KIND.function && row.kind !== KIND.data) {
    throw field('import_row', 'kind', row.at + IMPORT.kind.offset, row.kind);
  }
  if (!Object.values(ENUMS.binding).includes(row.binding)) {
    throw field('import_row', 'binding', row.at + IMPORT.binding.offset, row.binding);
  }
  if (row.reserved !== 0) throw field('import_row', 'reserved', row.at + IMPORT.reserved.offset, row.reserved);
  checkName(image, row.moduleOffset, row.moduleLength, row.at + IMPORT.module_offset.offset);
  checkName(image, row.nameOffset, row.nameLength, row.at + IMPORT.name_offset.offset);
}

/** Length in bytes of a segment, 0 if the module lacks it. @param {number} segment of `ENUMS.segment` */
export function segmentLength(image, segment) {
  if (segment === SEGMENT.bss) return image.bssSize;
  return segment === SEGMENT.rodata ? image.sections.rodata.length : image.sections.data.length;
}

/** PF-SEC-008 to PF-SEC-012, of a row whose name was found. */
export function checkExport(image, row) {
  const isFunction = row.kind === KIND.function;
  if (!isFunction && row.kind !== KIND.data) {
    throw field('export_row', 'kind', row.at + EXPORT.kind.offset, row.kind);
  }
  const segments = Object.values(SEGMENT).filter((value) => (value === SEGMENT.none) === isFunction);
  if (!segments.includes(row.segment)) {
    throw field('export_row', 'segment', row.at + EXPORT.segment.offset, row.segment, segments.join(' or '));
  }
  if (row.reserved !== 0) throw field('export_row', 'reserved', row.at + EXPORT.reserved.offset, row.reserved);
  const at = row.at + EXPORT.position.offset;
  if (isFunction) {
    if (row.position >= image.functionCount || row.size !== 0) {
      const expected = `an index below ${image.functionCount} and size 0`;
      throw malformed('PF-SEC-011', at, expected, `${row.position} and size ${row.size}`);
    }
    return;
  }
  const length = segmentLength(image, row.segment);
  if (row.position > length || row.size > length - row.position) {
    throw malformed('PF-SEC-012', at, `bytes within a segment of ${length}`, `${row.size} at ${row.position}`);
  }
}

/**
 * Binary search in place. Of rows that are unsorted it may miss some, which PF-SEC-007 allows; a row whose name cannot be
 * read is passed by and never found.
 * @param {Uint8Array} name
 * @returns {ReturnType<typeof exportRow>|null} the row, unchecked
 */
export function findExport(image, name) {
  let low = 0;
  let high = image.sections.exports.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = exportRow(image, middle);
    const order = nameIsReadable(image, row.nameOffset, row.nameLength)
      ? Buffer.compare(nameBytes(image, row.nameOffset, row.nameLength), name)
      : -1;
    if (order === 0) return row;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return null;
}

/** Adds the path of the file to a failure that has none. */
export function naming(image, error) {
  if (error instanceof PackfileError && error.path === undefined) error.path = image.path;
  return error;
}
