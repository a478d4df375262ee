// The interface that an embedder sees: what is no outcome of a program and so no case of the conformance suite.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { HostFailure, HostModule, PackfileError, audit, link, open } from '../src/process.js';
import { file, op, packfile } from './build.js';

const SNAN = 0x7ff0000000000001n;
const ADD = { name: 'add', signature: '(i, i) -> (i)', i: 2, code: [op('i_add', 0, 0, 1), op('ret')] };

function fails(outcome, rule) {
  return (error) => error instanceof PackfileError && error.outcome === outcome && error.rule === rule;
}

for (const big of [false, true]) {
  test(`open, link and call, ${big ? 'big' : 'little'}`, () => {
    const image = open(file(packfile({ functions: [ADD], big, entry: 0 })));
    const process = link([['main', image]]);
    assert.deepEqual(process.call('main', 'add', { i: [40, 2n] }), { i: [42n], n: [], bits: [] });
    assert.deepEqual(process.enter('main', { i: [2n ** 63n - 1n, 1n] }).i, [-(2n ** 63n)]);
    audit(image);
  });
}

test('a signalling NaN keeps its bits through registers, calls, constants and host functions', () => {
  const seen = [];
  const host = new HostModule([{
    name: 'see', signature: '(n) -> (n)',
    call(given, results) {
      seen.push(given.bits[0]);
      results.bits[0] = given.bits[0];
    },
  }]);
  const image = open(file(packfile({
    constants: [SNAN],
    imports: [{ module: 'host', name: 'see', signature: '(n) -> (n)' }],
    functions: [
      { name: 'constant', signature: '() -> (n)', n: 1, code: [op('n_const', 0, 0, 0, 0), op('ret')] },
      { name: 'move', signature: '(n) -> (n)', n: 2, code: [op('n_mov', 1, 0), op('call', 0, 1, 0, 2), op('ret', 0, 1)] },
      { signature: '(n) -> (n)', n: 1, code: [op('n_neg', 0, 0), op('n_neg', 0, 0), op('ret')] },
      { name: 'out', signature: '(n) -> (n)', n: 1, code: [op('calli', 0, 0, 0, 0), op('ret')] },
    ],
  })));
  const process = link([['main', image], ['host', host]]);
  for (let round = 0; round < 20000; round++) {
    assert.equal(process.call('main', 'move', { n: [SNAN] }).bits[0], SNAN);
  }
  assert.equal(process.call('main', 'constant').bits[0], SNAN);
  assert.equal(process.call('main', 'out', { n: [SNAN] }).bits[0], SNAN);
  assert.deepEqual(seen, [SNAN]);
});

test('host functions: values, memory, failures, and errors of their own', () => {
  const host = new HostModule([
    {
      name: 'peek', signature: '(i) -> (i)',
      call(given, results, process) {
        results.i[0] = BigInt(process.read(given.i[0], 1)[0]);
      },
    },
    { name: 'fail', signature: '() -> ()', call() { throw new HostFailure('no'); } },
    { name: 'bug', signature: '() -> ()', call() { throw new RangeError('a bug'); } },
    { name: 'again', signature: '() -> ()', call: (given, results, process) => void process.call('main', 'f') },
  ]);
  const imports = host.functions.map(({ name }) => ({ module: 'host', name, signature: name === 'peek' ? '(i) -> (i)' : '() -> ()' }));
  const call = (name, slot) => ({ name, signature: '() -> ()', code: [op('calli', 0, 0, 0, slot), op('ret')] });
  const image = open(file(packfile({
    rodata: Uint8Array.of(7),
    imports,
    functions: [
      { name: 'f', signature: '() -> (i)', i: 1, code: [op('lrodata', 0, 0, 0, 0), op('calli', 0, 0, 0, 0), op('ret')] },
      call('fail', 1), call('bug', 2), call('again', 3),
    ],
  })));
  const process = link([['main', image], ['host', host]]);
  assert.equal(process.call('main', 'f').i[0], 7n);
  assert.throws(() => process.call('main', 'fail'), (error) => fails('trap', 'PF-EXE-024')(error) && error.code === 'host');
  assert.throws(() => process.call('main', 'bug'), RangeError);
  assert.throws(() => process.call('main', 'again'), /must not call it/);
  assert.equal(process.call('main', 'f').i[0], 7n);
  assert.throws(() => process.call('host', 'fail'), fails('trap', 'PF-EXE-024'));
});

test('wrong arguments are errors of the embedder, not outcomes', () => {
  const image = open(file(packfile({ functions: [ADD] })));
  const process = link([['main', image]]);
  for (const options of [{ fuel: -1 }, { fuel: 2 ** 53 }, { depth: 0.5 }, { i: [2n ** 63n, 0n] }, { i: [0.5, 1] }]) {
    assert.throws(() => process.call('main', 'add', options), RangeError);
  }
  assert.throws(() => process.call('main', '\ud800'), TypeError);
  assert.throws(() => link([['main', {}]]), TypeError);
  assert.throws(() => new HostModule([{ name: 'f', signature: '(n, i) -> ()', call() {} }]), TypeError);
});

test('names may be bytes that are no text', () => {
  const image = open(file(packfile({ functions: [ADD] })));
  const process = link([[Uint8Array.of(0xff), image]]);
  assert.deepEqual(process.call(Uint8Array.of(0xff), 'add', { i: [1, 2] }).i, [3n]);
});

test('an exhausted process accepts no more, and a closed one neither', () => {
  const process = link([['main', open(file(packfile({ functions: [ADD] })))]]);
  assert.throws(() => process.call('main', 'add', { i: [1, 2], fuel: 0 }), fails('exhausted', 'PF-EXE-013'));
  assert.throws(() => process.call('main', 'nothing'), fails('exhausted', 'PF-EXE-016'));
  process.close();
  process.close();
  assert.throws(() => process.call('main', 'add'), /closed/);
});

test('a process goes on after its image was closed, also where the file was not read yet', () => {
  const data = new Uint8Array(3 * 2 ** 20);
  data[data.length - 8] = 9;
  const bytes = packfile({
    data,
    functions: [{
      name: 'last', signature: '() -> (i)', i: 1,
      code: [op('ldata', 0, 0, 0, data.length - 8), op('i_load64', 0, 0, 0), op('ret')],
    }],
  });
  const name = file(bytes);
  const image = open(name);
  const process = link([['a', image], ['b', image]]);
  image.close();
  assert.throws(() => link([['main', image]]), /closed/);
  fs.rmSync(name);
  assert.equal(process.call('b', 'last').i[0], 9n);
  process.close();
});

test('opening reads no more than a block of a large file', () => {
  const bytes = packfile({ functions: [ADD], rodata: new Uint8Array(2 ** 20) });
  const image = open(file(bytes));
  assert.equal(image.source.blocks.reduce((sum, each) => sum + each, 0), 1);
  image.close();
});

test('frames to the stated depth and no recursion of the host', () => {
  const recurse = {
    name: 'down', signature: '(i) -> ()', i: 2,
    code: [op('jmp_unless', 0, 4, 0), op('i_add_imm', 1, 0, 255), op('call', 1, 0, 0, 0), op('ret')],
  };
  const image = open(file(packfile({ functions: [recurse] })));
  link([['main', image]]).call('main', 'down', { i: [65535], depth: 65536 });
  const deeper = link([['main', image]]);
  assert.throws(() => deeper.call('main', 'down', { i: [65536], depth: 2 ** 53 - 1 }), fails('exhausted', 'PF-EXE-014'));
});

test('errors name file, place and rule', () => {
  const bytes = packfile({ functions: [ADD] });
  bytes[10] = 13;
  const name = file(bytes);
  assert.throws(() => open(name), (error) => {
    assert.match(error.line, /:0xa: malformed: PF-HDR-005: expected .*, got 0xd$/);
    return error.line.startsWith(name);
  });
});
