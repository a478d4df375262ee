// Everything that can be told from one file. Assumes an image that opened; promises every finding in an order that begins
// with what is malformed. No loader needs it: nothing here is relied on by the other files.

import { malformed, PackfileError } from './errors.js';
import {
  checkExport, checkImport, checkName, exportRow, functionRow, importRow, nameBytes, nameIsReadable, naming, showName,
} from './rows.js';
import { verify } from './verify.js';
import { ROWS, VALUES } from '../generated/table.js';

const NAME = ROWS.export_row.fields.name_offset.offset;

/**
 * @param {import('./image.js').Image} image
 * @throws {PackfileError} the first finding
 */
export function audit(image) {
  for (const finding of findings(image)) throw finding;
}

/**
 * @param {import('./image.js').Image} image
 * @returns {Generator<PackfileError>} malformed ones before invalid ones
 */
export function* findings(image) {
  for (const finding of unnamed(image)) yield naming(image, finding);
}

function* unnamed(image) {
  yield* gaps(image);
  yield* rows(image, 'imports', importRow, checkImport);
  yield* rows(image, 'exports', exportRow, (_, row) => {
    checkName(image, row.nameOffset, row.nameLength, row.at + NAME);
    checkExport(image, row);
  });
  yield* names(image);
  yield* exportOrder(image);
  yield* codeEnd(image);
  for (let index = 0; index < image.functionCount; index++) {
    yield* caught(() => verify(image, index));
  }
}

function* caught(check) {
  try {
    check();
  } catch (error) {
    if (!(error instanceof PackfileError)) throw error;
    yield error;
  }
}

function* rows(image, section, read, check) {
  for (let index = 0; index < image.sections[section].count; index++) {
    yield* caught(() => check(image, read(image, index)));
  }
}

// PF-DIR-009
function* gaps(image) {
  let end = VALUES.header_size + image.directory.length * ROWS.section.size;
  for (const { offset, length } of image.directory) {
    image.source.need(end, offset - end);
    const at = image.bytes.subarray(end, offset).findIndex((byte) => byte !== 0);
    if (at >= 0) yield malformed('PF-DIR-009', end + at, 'zero between sections', image.bytes[end + at]);
    end = offset + length;
  }
}

/** The distinct references to readable names, by place in the strings. */
function references(image) {
  const found = new Map();
  const add = (offset, length) => {
    if (nameIsReadable(image, offset, length)) found.set(offset * (VALUES.max_name_length + 1) + length, { offset, length });
  };
  for (let index = 0; index < image.sections.imports.count; index++) {
    const row = importRow(image, index);
    add(row.moduleOffset, row.moduleLength);
    add(row.nameOffset, row.nameLength);
  }
  for (let index = 0; index < image.sections.exports.count; index++) {
    const row = exportRow(image, index);
    add(row.nameOffset, row.nameLength);
  }
  return [...found.entries()].sort(([a], [b]) => a - b).map(([, reference]) => reference);
}

// PF-SEC-005 and PF-SEC-006: in the order of their places the names follow each other without a gap, and ascend.
function* names(image) {
  const { offset: base, length: size } = image.sections.strings;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let end = 0;
  let before = null;
  for (const { offset, length } of references(image)) {
    const name = nameBytes(image, offset, length);
    yield* caught(() => {
      try {
        decoder.decode(name);
      } catch {
        throw malformed('PF-SEC-005', base + offset, 'well-formed UTF-8', Buffer.from(name).toString('hex'));
      }
    });
    if (offset !== end) yield malformed('PF-SEC-006', base + offset, `the next name at ${end} of the strings`, offset);
    else if (before !== null && Buffer.compare(before, name) >= 0) {
      yield malformed('PF-SEC-006', base + offset, `a name after ${showName(before)}`, showName(name));
    }
    before = name;
    end = Math.max(end, offset + length);
  }
  if (end !== size) yield malformed('PF-SEC-006', base + end, 'the strings to end with their last name', `${size - end} bytes more`);
}

// PF-SEC-007
function* exportOrder(image) {
  let before = null;
  for (let index = 0; index < image.sections.exports.count; index++) {
    const row = exportRow(image, index);
    if (!nameIsReadable(image, row.nameOffset, row.nameLength)) continue;
    const name = nameBytes(image, row.nameOffset, row.nameLength);
    if (before !== null && Buffer.compare(before, name) >= 0) {
      yield malformed('PF-SEC-007', row.at, `an export after ${showName(before)}`, showName(name));
    }
    before = name;
  }
}

// PF-SEC-013
function* codeEnd(image) {
  if (image.functionCount === 0) return;
  const { at, end } = functionRow(image, image.functionCount - 1);
  const words = image.sections.code.count;
  if (end !== words) yield malformed('PF-SEC-013', at, `the last function to end at ${words}, the end of the code`, end);
}
