// Makes small packfiles for the tests, from the generated layout alone: the loader has no assembler and needs none.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ENUMS, INSTRUCTIONS, MAGIC, ROWS, SECTIONS, VALUES } from '../generated/table.js';
import { signatureWord } from '../src/host.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'packfile-js-'));
process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
let number = 0;

/** @param {Uint8Array|string} bytes @returns {string} the path */
export function file(bytes) {
  number += 1;
  const name = path.join(directory, `${number}.pkf`);
  fs.writeFileSync(name, bytes);
  return name;
}

/** A word of code, and its literal if there is one. @param {string} mnemonic */
export function op(mnemonic, a = 0, b = 0, c = 0, literal = undefined) {
  const code = Number(Object.keys(INSTRUCTIONS).find((each) => INSTRUCTIONS[each].mnemonic === mnemonic));
  const word = (code | ((a & 255) << 8) | ((b & 255) << 16) | ((c & 255) << 24)) >>> 0;
  return literal === undefined ? [word] : [word, literal >>> 0];
}

function align(offset, unit) {
  return Math.ceil(offset / unit) * unit;
}

/**
 * @param {object} module
 * @param {{name?: string, signature: string, i?: number, n?: number, code: number[][]}[]} [module.functions] exported if named
 * @param {{module: string, name: string, signature: string, binding?: string}[]} [module.imports] of functions
 * @param {bigint[]} [module.constants] bits
 * @param {Uint8Array} [module.rodata] @param {Uint8Array} [module.data]
 * @param {number} [module.bss] @param {number} [module.entry] @param {boolean} [module.big]
 */
export function packfile({ functions = [], imports = [], constants = [], rodata, data, bss = 0, entry, big = false }) {
  const imported = imports.flatMap((each) => [each.module, each.name]);
  const names = [...new Set([...imported, ...functions.flatMap((each) => each.name ?? [])])].sort();
  const at = new Map();
  let length = 0;
  for (const name of names) {
    at.set(name, length);
    length += name.length;
  }
  const row = (type, values) => {
    const view = new DataView(new ArrayBuffer(ROWS[type].size));
    for (const [name, { offset, type: kind }] of Object.entries(ROWS[type].fields)) {
      const value = values[name] ?? 0;
      if (kind === 'u1') view.setUint8(offset, value);
      else if (kind === 'u2') view.setUint16(offset, value, !big);
      else if (kind === 'u4') view.setUint32(offset, value, !big);
      else if (kind === 'u8') view.setBigUint64(offset, value, !big);
      else new Uint8Array(view.buffer).set(value === 0 ? [] : value, offset);
    }
    return new Uint8Array(view.buffer);
  };
  const join = (parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
  let end = 0;
  const code = functions.map((each) => each.code.flat());
  const exported = functions.map((each, index) => [each.name, index]).filter(([name]) => name !== undefined).sort();
  const sections = {
    functions: join(functions.map((each, index) => {
      end += code[index].length;
      const banks = { i_registers: each.i ?? 0, n_registers: each.n ?? 0 };
      return row('function_row', { code_end: end, signature: signatureWord(each.signature), ...banks });
    })),
    imports: join(imports.map((each) => row('import_row', {
      kind: ENUMS.import_kind.function,
      binding: ENUMS.binding[each.binding ?? 'eager'],
      module_offset: at.get(each.module), module_length: each.module.length,
      name_offset: at.get(each.name), name_length: each.name.length,
      requirement: signatureWord(each.signature),
    }))),
    exports: join(exported.map(([name, index]) => {
      const place = { name_offset: at.get(name), name_length: name.length };
      return row('export_row', { ...place, kind: ENUMS.import_kind.function, position: index });
    })),
    constants: join(constants.map((bits) => row('constant', { bits }))),
    strings: Buffer.from(names.join('')),
    code: join(code.flat().map((word) => row('code_word', { word }))),
    rodata: rodata ?? new Uint8Array(0),
    data: data ?? new Uint8Array(0),
  };
  const present = Object.entries(sections).filter(([, bytes]) => bytes.length > 0);
  const unit = 2 ** 12;
  let offset = VALUES.header_size + present.length * ROWS.section.size;
  const places = present.map(([name, bytes]) => {
    const place = align(offset, SECTIONS[name].unitAligned ? unit : 8);
    offset = place + bytes.length;
    return place;
  });
  const out = new Uint8Array(offset);
  out.set(row('header', {
    magic: MAGIC, byte_order: big ? ENUMS.byte_order.big : ENUMS.byte_order.little, version: 1, unit_log2: 12,
    file_length: offset, section_count: present.length, entry: entry ?? VALUES.no_entry, bss_size: bss,
  }));
  present.forEach(([name, bytes], index) => {
    const place = VALUES.header_size + index * ROWS.section.size;
    out.set(row('section', { kind_id: SECTIONS[name].kind, offset: places[index], length: bytes.length }), place);
    out.set(bytes, places[index]);
  });
  return out;
}
