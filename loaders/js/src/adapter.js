// The adapter protocol on standard input and output. Assumes nothing of what it reads; promises one reply a request, in order,
// each an outcome or one of the three errors, and never ends before its input does.

import { PackfileError, audit, link, open } from './process.js';
import { VALUES } from '../generated/table.js';
import { hexBits, protocolHost } from './adapter_host.js';
import { lines, writeAll } from './stdio.js';
import { VERSION } from './version.js';

const HANDLE_END = 2 ** 31;
const MAX_I = 2n ** 63n;
const INTEGER = /^-?(0|[1-9][0-9]*)$/;
const AMOUNT = /^(0|[1-9][0-9]*)$/;
const FLOAT = /^[0-9a-f]{16}$/;

/** A request that is of the wrong form, or asks for what is not there. */
class BadRequest extends Error {}

function want(holds, message) {
  if (!holds) throw new BadRequest(message);
}

function isHandle(value) {
  return Number.isInteger(value) && value >= 0 && value < HANDLE_END;
}

function text(value, what) {
  want(typeof value === 'string', `${what} is a string`);
  return value;
}

function name(value, what) {
  want(!/\p{Surrogate}/u.test(text(value, what)), `${what} has a lone surrogate, which has no UTF-8`);
  return value;
}

function amount(value, what, most) {
  want(AMOUNT.test(text(value, what)) && BigInt(value) <= BigInt(most), `${what} is an integer of 0 to ${most} in a string`);
  return Number(value);
}

function list(value, what, one) {
  want(Array.isArray(value), `${what} is a list`);
  return value.map(one);
}

function integer(value) {
  want(INTEGER.test(text(value, 'an integer')), 'an integer is decimal digits');
  const result = BigInt(value);
  want(result >= -MAX_I && result < MAX_I, 'an integer has 64 bits');
  return result;
}

function float(value) {
  want(FLOAT.test(text(value, 'a float')), 'a float is 16 hexadecimal digits');
  return BigInt(`0x${value}`);
}

export class Adapter {
  constructor() {
    this.images = new Map();
    this.processes = new Map();
    this.last = 0;
    /** Of the running call; host modules hold it, so it is emptied and never replaced. */
    this.log = [];
    this.host = protocolHost(this.log);
    this.commands = new Map(Object.entries({
      hello: () => ({ name: 'packfile-js', version: VERSION, protocol: 1, features: ['audit'] }),
      open: (request) => this.open(request),
      link: (request) => this.link(request),
      call: (request) => this.call(request),
      audit: (request) => this.audit(request),
      close: (request) => this.close(request),
    }));
  }

  /** @param {Uint8Array} line @returns {object} the reply */
  answer(line) {
    let request;
    try {
      request = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
    } catch (error) {
      return { id: 0, error: 'bad-request', message: `no JSON: ${error.message}` };
    }
    if (typeof request !== 'object' || request === null || Array.isArray(request)) {
      return { id: 0, error: 'bad-request', message: 'a request is a JSON object' };
    }
    if (!isHandle(request.id)) return { id: 0, error: 'bad-request', message: 'an id is an integer below 2^31' };
    const { id } = request;
    try {
      const command = this.commands.get(text(request.command, 'a command'));
      if (command === undefined) return { id, error: 'unsupported-command', message: 'no such command' };
      return { id, outcome: 'ok', ...command(request) };
    } catch (error) {
      if (error instanceof BadRequest) return { id, error: 'bad-request', message: error.message };
      if (error instanceof PackfileError) return this.failure(id, request, error);
      return { id, error: 'internal', message: String(error?.stack ?? error) };
    }
  }

  failure(id, request, error) {
    const { outcome, code, rule, offset, message } = error;
    const reply = { id, outcome };
    if (code !== undefined) reply.code = code;
    if (request.command === 'call') reply.log = [...this.log];
    if (rule !== undefined) reply.rule = rule;
    if (offset !== undefined) reply.offset = offset;
    reply.message = message;
    return reply;
  }

  keep(table, value) {
    this.last += 1;
    table.set(this.last, value);
    return this.last;
  }

  find(table, handle, what) {
    const value = isHandle(handle) ? table.get(handle) : undefined;
    want(value !== undefined, `there is no such ${what}`);
    return value;
  }

  open({ path }) {
    text(path, 'path');
    try {
      return { image: this.keep(this.images, open(path)) };
    } catch (error) {
      if (error instanceof PackfileError) throw error;
      throw new BadRequest(error.message);
    }
  }

  link({ modules }) {
    const pairs = list(modules, 'modules', (entry) => {
      want(typeof entry === 'object' && entry !== null && !Array.isArray(entry), 'a module is an object');
      name(entry.name, 'name');
      if (entry.host === undefined) return [entry.name, this.find(this.images, entry.image, 'image')];
      want(entry.host === true && entry.image === undefined, 'a module has an image, or host: true');
      return [entry.name, this.host];
    });
    return { process: this.keep(this.processes, link(pairs)) };
  }

  call(request) {
    this.log.length = 0;
    const process = this.find(this.processes, request.process, 'process');
    const module = name(request.module, 'module');
    want((request.function === undefined) !== (request.entry === undefined), 'a call has a function, or entry: true');
    const options = {
      i: list(request.i, 'i', integer),
      n: list(request.n, 'n', float),
      fuel: amount(request.fuel, 'fuel', VALUES.max_fuel),
      depth: amount(request.depth, 'depth', VALUES.max_depth),
    };
    want(request.entry === undefined || request.entry === true, 'entry is true');
    const results = request.entry === true
      ? process.enter(module, options)
      : process.call(module, name(request.function, 'function'), options);
    return { i: results.i.map(String), n: results.bits.map(hexBits), log: [...this.log] };
  }

  audit({ image }) {
    audit(this.find(this.images, image, 'image'));
    return {};
  }

  close({ image, process }) {
    want((image === undefined) !== (process === undefined), 'close has an image or a process');
    const [table, handle, what] = process === undefined ? [this.images, image, 'image'] : [this.processes, process, 'process'];
    this.find(table, handle, what).close();
    table.delete(handle);
    return {};
  }

  closeAll() {
    for (const each of [...this.processes.values(), ...this.images.values()]) each.close();
  }
}

/** Serves standard input until it ends. */
export function serve() {
  const adapter = new Adapter();
  for (const line of lines(0)) writeAll(1, `${JSON.stringify(adapter.answer(line))}\n`);
  adapter.closeAll();
}
