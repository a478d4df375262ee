// Fills the slots of a set of modules. Assumes images that opened and host modules; promises a set whose import rows keep
// PF-FIX-024 and whose slots hold what PF-FIX-005 to PF-FIX-023 say, or throws `malformed`, `unlinkable` or `exhausted` and
// leaves nothing behind. Nothing of a file is changed and nothing of it runs.

import { ENUMS, VALUES } from '../generated/table.js';
import { exhausted, PackfileError, unlinkable } from './errors.js';
import { Segment, segmentNumber } from './memory.js';
import {
  checkExport, checkImport, findExport, importRow, nameBytes, nameKey, naming, segmentLength, showName, signatureOf,
} from './rows.js';

/** Zero-filled memory that a set may have; beyond it linking is exhausted (PF-LIM-010). */
export const GREATEST_BSS_TOTAL = 16 * VALUES.min_bss_total;

/** States of a slot. A weak import that is mismatched fails the link, so `weak` is one that is missing. */
export const SLOT = Object.freeze({ missing: 0, bound: 1, mismatched: 2, weak: 3 });

const KIND = ENUMS.import_kind;
const BINDING = ENUMS.binding;

/** A module at its position in a set. */
export class Instance {
  constructor(name, position, module, isHost) {
    this.name = name;
    this.position = position;
    this.host = isHost ? module : null;
    this.image = isHost ? null : module;
    this.functionCount = isHost ? module.functions.length : module.functionCount;
    const count = isHost ? 0 : module.sections.imports.count;
    /** What slots hold, as the two words of it. */
    this.slots = { states: new Uint8Array(count), high: new Uint32Array(count), low: new Uint32Array(count) };
  }

  /** Signature word of a function. @param {number} index */
  signature(index) {
    return this.host === null ? signatureOf(this.image, index) : this.host.functions[index].signature;
  }

  /**
   * The export of a name, checked (PF-SEC-015).
   * @param {Uint8Array} name
   * @returns {{kind: number, segment: number, position: number, size: number}|null}
   * @throws {PackfileError} malformed
   */
  lookUp(name) {
    if (this.host !== null) {
      const index = this.host.byName.get(nameKey(name));
      return index === undefined ? null : { kind: KIND.function, segment: ENUMS.segment.none, position: index, size: 0 };
    }
    const row = findExport(this.image, name);
    if (row !== null) checkExport(this.image, row);
    return row;
  }
}

/**
 * @param {{name: Uint8Array, module: object, isHost: boolean}[]} modules
 * @returns {{instances: Instance[], byName: Map<string, Instance>, segments: (Segment|null)[]}}
 */
export function linkSet(modules) {
  if (modules.length > VALUES.max_modules) {
    throw unlinkable('PF-LIM-007', `expected at most ${VALUES.max_modules} modules, got ${modules.length}`);
  }
  const instances = modules.map(({ name, module, isHost }, position) => new Instance(name, position, module, isHost));
  const byName = new Map();
  for (const instance of instances) {
    const key = nameKey(instance.name);
    if (byName.has(key)) throw unlinkable('PF-FIX-004', `expected names that differ, got ${showName(instance.name)} twice`);
    byName.set(key, instance);
  }
  for (const instance of instances) checkImports(instance);
  for (const instance of instances) bind(instance, byName);
  return { instances, byName, segments: makeSegments(instances) };
}

function checkImports({ image, slots }) {
  for (let index = 0; index < slots.states.length; index++) {
    try {
      checkImport(image, importRow(image, index));
    } catch (error) {
      throw naming(image, error);
    }
  }
}

function bind(instance, byName) {
  const { image, slots } = instance;
  for (let index = 0; index < slots.states.length; index++) {
    const row = importRow(image, index);
    const moduleName = nameBytes(image, row.moduleOffset, row.moduleLength);
    const name = nameBytes(image, row.nameOffset, row.nameLength);
    const exporter = byName.get(nameKey(moduleName));
    const found = exporter === undefined ? null : look(exporter, name, row.binding);
    const fail = (rule, what) => naming(image, Object.assign(
      unlinkable(rule, `import ${index}, ${showName(moduleName)}.${showName(name)}, ${what}`), { offset: row.at },
    ));
    if (found === null) {
      if (row.binding === BINDING.eager) throw fail('PF-FIX-007', 'is missing');
      slots.states[index] = row.binding === BINDING.weak ? SLOT.weak : SLOT.missing;
    } else if (found === undefined || !matches(exporter, found, row)) {
      if (row.binding === BINDING.eager) throw fail('PF-FIX-008', 'does not match the export');
      if (row.binding === BINDING.weak) throw fail('PF-FIX-013', 'does not match the export');
      slots.states[index] = SLOT.mismatched;
    } else {
      slots.states[index] = SLOT.bound;
      const isFunction = found.kind === KIND.function;
      slots.high[index] = isFunction ? exporter.position + 1 : segmentNumber(exporter.position, found.segment);
      slots.low[index] = found.position;
    }
  }
}

// The export, null if there is none, undefined if a lazy import found a malformed one (PF-FIX-022).
function look(exporter, name, binding) {
  try {
    return exporter.lookUp(name);
  } catch (error) {
    if (!(error instanceof PackfileError)) throw error;
    if (binding === BINDING.lazy) return undefined;
    throw naming(exporter.image, error);
  }
}

function matches(exporter, found, row) {
  if (found.kind !== row.kind) return false;
  return found.kind === KIND.function ? exporter.signature(found.position) === row.requirement : found.size >= row.requirement;
}

function makeSegments(instances) {
  const total = instances.reduce((sum, { image }) => sum + (image === null ? 0 : segmentLength(image, ENUMS.segment.bss)), 0);
  if (total > GREATEST_BSS_TOTAL) {
    throw exhausted('PF-LIM-010', `expected at most ${GREATEST_BSS_TOTAL} bytes of bss in all, got ${total}`);
  }
  const segments = new Array(segmentNumber(instances.length, 1)).fill(null);
  try {
    for (const { image, position } of instances) {
      if (image === null) continue;
      segments[segmentNumber(position, ENUMS.segment.rodata)] = Segment.rodata(image);
      segments[segmentNumber(position, ENUMS.segment.data)] = Segment.data(image);
      segments[segmentNumber(position, ENUMS.segment.bss)] = Segment.bss(image.bssSize);
    }
  } catch (error) {
    if (error instanceof RangeError) throw exhausted('PF-LIM-010', 'the host has no memory for the segments');
    throw error;
  }
  return segments;
}
