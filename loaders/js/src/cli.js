// The command line. Assumes nothing of its arguments; promises one line an error on standard error, never a stack trace, and a
// status of 0 for ok, 1 for any other outcome or finding, 2 for a file that cannot be read or a wrong command line.

import { serve } from './adapter.js';
import { runHost } from './run_host.js';
import { signatureText } from './host.js';
import { PackfileError, findings, link, open } from './process.js';
import { ENUMS, VALUES } from '../generated/table.js';
import { counts, exportRow, functionRow, importRow, nameBytes, nameIsReadable, showName, signatureOf } from './rows.js';
import { writeAll } from './stdio.js';
import { VERSION } from './version.js';

const HELP = `Usage: packfile-js COMMAND

  run FILE [ARGS]     link FILE with the module \`host\` and call its entry function; ARGS are
                      its integers, then its floats; results are printed one a line
    --function NAME   call the function that is exported under this name instead
    --with NAME=FILE  link another module as well, after FILE
    --name NAME       name that FILE is linked under; by default its own without suffix
    --fuel N          calls and backward branches that it may make
    --depth N         frames that it may have at once
    --                what follows is no option
  info FILE           show header, sections, exports and imports
  verify FILE...      show all that is wrong with files
  adapter             serve the adapter protocol on standard input and output
  --help, --version

Exit status: 0 for ok; 1 for any other outcome or a finding; 2 if a file cannot be read or the
command line is wrong.
`;

/** Something wrong with the command line or a file's reading: status 2. */
class UsageError extends Error {}

/** @param {string[]} argv without node and script @returns {number} the status */
export function main(argv) {
  const commands = new Map(Object.entries({ run, info, verify: verifyFiles, adapter }));
  try {
    const [name, ...rest] = argv;
    const flags = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
    if (name === undefined || [name, ...flags].some((each) => each === '--help' || each === '-h')) {
      writeAll(1, HELP);
      return name === undefined ? 2 : 0;
    }
    if (name === '--version') {
      writeAll(1, `packfile-js ${VERSION}\n`);
      return 0;
    }
    const command = commands.get(name);
    if (command === undefined) throw new UsageError(`no such command: ${name}`);
    return command(rest);
  } catch (error) {
    // A reader that left early is no error of ours, and there is nobody to tell.
    if (error.code === 'EPIPE') return 1;
    const line = error instanceof PackfileError ? error.line : error instanceof UsageError ? `packfile-js: ${error.message}`
      : `packfile-js: internal: ${error.message}`;
    writeAll(2, `${oneLine(line)}\n`);
    return error instanceof PackfileError ? 1 : 2;
  }
}

function oneLine(text) {
  const escape = (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, escape);
}

function adapter(args) {
  if (args.length > 0) throw new UsageError('adapter takes no arguments');
  serve();
  return 0;
}

function opened(path) {
  try {
    return open(path);
  } catch (error) {
    if (error instanceof PackfileError) throw error;
    throw new UsageError(error.message.includes(path) ? error.message : `${path}: ${error.message}`);
  }
}

function stem(path) {
  return path.replace(/^.*\//, '').replace(/(.)\.[^.]*$/, '$1');
}

function options(args, known) {
  const found = { rest: [], with: [] };
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === '--') {
      found.rest.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith('--')) {
      found.rest.push(arg);
      continue;
    }
    const [, name, joined] = /^--([a-z]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (!known.includes(name)) throw new UsageError(`no such option: ${arg}`);
    const value = joined ?? args[++index];
    if (value === undefined) throw new UsageError(`--${name} needs a value`);
    if (name === 'with') found.with.push(value);
    else found[name] = value;
  }
  return found;
}

function amount(name, text, most) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value > most || BigInt(text) > BigInt(most)) {
    throw new UsageError(`--${name} is a number of 0 to ${most}`);
  }
  return value;
}

function integerOf(text) {
  const parts = /^(-?)(0x[0-9a-f]+|[0-9]+)$/i.exec(text);
  if (parts === null) throw new UsageError(`not an integer: ${text}`);
  const value = parts[1] === '' ? BigInt(parts[2]) : -BigInt(parts[2]);
  if (value < -(2n ** 63n) || value >= 2n ** 63n) throw new UsageError(`not an integer of 64 bits: ${text}`);
  return value;
}

function floatOf(text) {
  const special = { inf: Infinity, '-inf': -Infinity, nan: NaN };
  if (text.toLowerCase() in special) return special[text.toLowerCase()];
  if (!/^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$/i.test(text)) throw new UsageError(`not a float: ${text}`);
  return Number(text);
}

/** A float as text that tells it from an integer. @param {number} value */
export function showFloat(value) {
  if (Object.is(value, -0)) return '-0.0';
  if (!Number.isFinite(value)) return String(value).replace('Infinity', 'inf').replace('NaN', 'nan');
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}

function run(args) {
  const { rest: [file, ...values], ...given } = options(args, ['function', 'with', 'name', 'fuel', 'depth']);
  if (file === undefined) throw new UsageError('run needs a FILE');
  const name = given.name ?? stem(file);
  const set = [[name, opened(file)]];
  for (const each of given.with) {
    const at = each.indexOf('=');
    set.push(at < 0 ? [stem(each), opened(each)] : [each.slice(0, at), opened(each.slice(at + 1))]);
  }
  if (!set.some(([each]) => each === 'host')) set.push(['host', runHost(showFloat)]);
  const process = link(set);
  const ip = countIntegers(process, name, given.function, values.length);
  const call = { i: values.slice(0, ip).map(integerOf), n: values.slice(ip).map(floatOf) };
  const fuel = amount('fuel', given.fuel, VALUES.max_fuel);
  const depth = amount('depth', given.depth, VALUES.max_depth);
  if (fuel !== undefined) call.fuel = fuel;
  if (depth !== undefined) call.depth = depth;
  const results = given.function === undefined ? process.enter(name, call) : process.call(name, given.function, call);
  writeAll(1, [...results.i.map(String), ...results.n.map(showFloat)].map((line) => `${line}\n`).join(''));
  process.close();
  for (const [, image] of set) image.close?.();
  return 0;
}

// How many of the arguments are integers; where there is nothing to call, the call itself says so.
function countIntegers(process, module, name, otherwise) {
  const instance = process.instances.find((each) => showName(each.name) === showName(Buffer.from(module)));
  const found = name === undefined ? { position: instance.image.entry } : instance.lookUp(Buffer.from(name));
  if (found === null || found.position === null || (name !== undefined && found.kind !== ENUMS.import_kind.function)) return otherwise;
  return counts(instance.signature(found.position)).ip;
}

function info(args) {
  if (args.length !== 1) throw new UsageError('info takes one FILE');
  const image = opened(args[0]);
  const lines = [
    oneLine(image.path),
    `  byte order      ${image.little ? 'little' : 'big'}`,
    `  version         ${image.version}`,
    `  alignment unit  ${image.unit} bytes`,
    `  file length     ${image.source.size} bytes`,
    `  entry           ${image.entry === null ? 'none' : `function ${image.entry}`}`,
    `  bss             ${image.bssSize} bytes`,
    `  digest root     ${image.sections.digests.length === 0 ? 'none' : Buffer.from(image.digestRoot).toString('hex')}`,
    '',
    `${image.directory.length} sections`,
    ...image.directory.map(({ kind, name, offset, length }) => {
      return `  ${(name ?? `0x${kind.toString(16)}`).padEnd(12)}0x${offset.toString(16).padEnd(10)}${length} bytes`;
    }),
  ];
  const named = (offset, length) => (nameIsReadable(image, offset, length) ? showName(nameBytes(image, offset, length)) : '(no name)');
  const kindOf = (kind) => Object.entries(ENUMS.import_kind).find(([, value]) => value === kind)?.[0] ?? `kind ${kind}`;
  const functions = image.functionCount;
  lines.push('', `${image.sections.exports.count} exports`);
  for (let index = 0; index < image.sections.exports.count; index++) {
    const row = exportRow(image, index);
    const what = row.kind === ENUMS.import_kind.function && row.position < functions
      ? `${signatureText(signatureOf(image, row.position))}, function ${row.position}`
      : `segment ${row.segment}, ${row.size} bytes at ${row.position}`;
    lines.push(`  ${named(row.nameOffset, row.nameLength)}: ${kindOf(row.kind)} ${what}`);
  }
  lines.push('', `${image.sections.imports.count} imports`);
  for (let index = 0; index < image.sections.imports.count; index++) {
    const row = importRow(image, index);
    const binding = Object.entries(ENUMS.binding).find(([, value]) => value === row.binding)?.[0] ?? `binding ${row.binding}`;
    const what = row.kind === ENUMS.import_kind.function ? signatureText(row.requirement) : `at least ${row.requirement} bytes`;
    const name = `${named(row.moduleOffset, row.moduleLength)}.${named(row.nameOffset, row.nameLength)}`;
    lines.push(`  ${index}: ${name}: ${binding} ${kindOf(row.kind)} ${what}`);
  }
  writeAll(1, `${lines.join('\n')}\n`);
  image.close();
  return 0;
}

function verifyFiles(args) {
  if (args.length === 0) throw new UsageError('verify needs a FILE');
  let status = 0;
  for (const path of args) {
    let found = 0;
    let image = null;
    const tell = (finding) => {
      found += 1;
      writeAll(1, `${oneLine(finding.line)}\n`);
    };
    try {
      image = opened(path);
      for (const finding of findings(image)) tell(finding);
      if (found === 0) writeAll(1, `${oneLine(path)}: ok: ${image.functionCount} functions, ${wordsOf(image)} words of code\n`);
    } catch (error) {
      if (!(error instanceof PackfileError)) throw error;
      tell(error);
    }
    image?.close();
    if (found > 0) status = 1;
  }
  return status;
}

function wordsOf(image) {
  return image.functionCount === 0 ? 0 : functionRow(image, image.functionCount - 1).end;
}
