// The command and the adapter, from outside.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { file, op, packfile } from './build.js';

const PROGRAM = fileURLToPath(new URL('../bin/packfile-js', import.meta.url));
const SUM = packfile({
  entry: 0,
  functions: [{ name: 'sum', signature: '(i, n) -> (i, n)', i: 1, n: 1, code: [op('i_add', 0, 0, 0), op('n_add', 0, 0, 0), op('ret')] }],
});

function run(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** Replies to lines, which are texts or objects. */
function adapter(...requests) {
  const input = Buffer.concat(requests.map((each) => {
    if (Buffer.isBuffer(each)) return each;
    return Buffer.from(`${typeof each === 'string' ? each : JSON.stringify(each)}\n`);
  }));
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, 'adapter'], { input, encoding: 'utf8', maxBuffer: 2 ** 26 });
  assert.equal(status, 0);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

test('run calls the entry function or another and prints results one a line', () => {
  const name = file(SUM);
  assert.deepEqual(run('run', name, '21', '0.25'), { status: 0, stdout: '42\n0.5\n', stderr: '' });
  assert.deepEqual(run('run', name, '--function', 'sum', '--', '-21', '-0'), { status: 0, stdout: '-42\n-0.0\n', stderr: '' });
});

test('one line for every error, and no stack trace', () => {
  const name = file(SUM);
  const cases = [
    [['run', name, '--function', 'no', '1'], 1, /^unlinkable: PF-EXE-017: /],
    [['run', name], 1, /^trap signature-mismatch: PF-EXE-018: /],
    [['run', name, '1', '2', '--fuel', '0'], 1, /exhausted: PF-EXE-013: /],
    [['run', file(SUM.slice(0, 70)), '1'], 1, /:0x10: malformed: PF-HDR-008: expected 0x46, got 0x/],
    [['run', name, '1', '2', '--fuel', '9007199254740992'], 2, /--fuel/],
    [['run', name, 'x', '2'], 2, /not an integer: x/],
    [['run', '/nowhere'], 2, /ENOENT/],
    [['run', '/'], 2, /not a regular file/],
    [['run'], 2, /FILE/],
    [['nothing'], 2, /no such command/],
    [['info', name, '--bad'], 2, /info takes one FILE/],
  ];
  for (const [args, status, pattern] of cases) {
    const got = run(...args);
    assert.equal(got.status, status, args.join(' '));
    assert.match(got.stderr, pattern);
    assert.equal(got.stderr.trim().split('\n').length, 1);
  }
});

test('info, verify, help and version', () => {
  const name = file(SUM);
  assert.match(run('info', name).stdout, /sum: function \(i, n\) -> \(i, n\), function 0/);
  assert.match(run('verify', name).stdout, /: ok: 1 functions, 3 words of code\n$/);
  const broken = SUM.slice();
  broken[broken.length - 4] = 0xff;
  const got = run('verify', file(broken), name);
  assert.equal(got.status, 1);
  assert.match(got.stdout, /invalid: PF-CODE-001: .*\n.*: ok: /);
  assert.match(run('--help').stdout, /^Usage/);
  assert.match(run('run', '--help').stdout, /^Usage/);
  assert.match(run('--version').stdout, /^packfile-js \d/);
});

test('the adapter answers whatever it is sent, in order', () => {
  const replies = adapter(
    '{"id": 1, "command": "hello"}',
    'no json', '', '[]', 'null', '{"command": "hello"}', '{"id": -1, "command": "hello"}', Buffer.from([0xff, 0x0a]),
    { id: 2, command: 'constructor' },
    { id: 3 },
    { id: 4, command: 'open', path: '/nowhere' },
    { id: 5, command: 'open', path: '\0' },
    { id: 6, command: 'call', process: 9 },
    { id: 7, command: 'close', image: 1, process: 1 },
    { id: 8, command: 'hello', extra: [1] },
    { id: 9, command: 'link', modules: [{ name: 'a', image: 1, host: true }] },
    { id: 10, command: 'link', modules: [{ name: '\ud800', host: true }] },
    { id: 11, command: 'link', modules: [] },
  );
  assert.deepEqual(replies.map(({ id, error, outcome }) => [id, error ?? outcome]), [
    [1, 'ok'], ...Array(7).fill([0, 'bad-request']), [2, 'unsupported-command'],
    ...[3, 4, 5, 6, 7].map((id) => [id, 'bad-request']), [8, 'ok'], [9, 'bad-request'], [10, 'bad-request'], [11, 'ok'],
  ]);
  assert.deepEqual(replies[0].features, ['audit']);
});

test('numbers of 64 bits and names of any text pass', () => {
  const name = file(SUM);
  const odd = 'a\0\u{1f600}"\n';
  const whole = { id: 4, command: 'call', process: 2, module: odd, function: 'sum', fuel: '9007199254740991', depth: '1' };
  const call = (i, n, more = {}) => ({ ...whole, i, n, ...more });
  const replies = adapter(
    { id: 1, command: 'hello' }, { id: 2, command: 'open', path: name }, { id: 3, command: 'link', modules: [{ name: odd, image: 1 }] },
    call(['4611686018427387904'], ['7ff0000000000001']),
    call(['9223372036854775808'], ['0'.repeat(16)]),
    call(['1'], ['7FF0000000000000']),
    call(['1'], ['0'.repeat(16)], { module: '\ud800' }), call(['1'], ['0'.repeat(16)], { function: '\udc00' }),
    call(['1'], ['0'.repeat(16)], { fuel: '9007199254740992' }), call(['1'], ['0'.repeat(16)], { fuel: 1 }),
    { id: 5, command: 'close', process: 2 }, call(['1'], ['0'.repeat(16)]),
  );
  assert.deepEqual(replies[3], { id: 4, outcome: 'ok', i: ['-9223372036854775808'], n: ['7ff8000000000000'], log: [] });
  for (const index of [4, 5, 6, 7, 8, 9, 11]) assert.equal(replies[index].error, 'bad-request');
});

test('a line of megabytes, a last line without its end, and a line in pieces', async () => {
  const long = 'x'.repeat(5_000_000);
  const last = Buffer.from('{"id": 3, "command": "hello"}');
  const replies = adapter({ id: 1, command: long }, { id: 2, command: 'open', path: long }, last);
  const outcomes = replies.map(({ id, error, outcome }) => [id, error ?? outcome]);
  assert.deepEqual(outcomes, [[1, 'unsupported-command'], [2, 'bad-request'], [3, 'ok']]);
  const child = spawn(process.execPath, [PROGRAM, 'adapter'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  for (const piece of ['{"id": 7, "com', 'mand": "hel', 'lo"}\n']) {
    child.stdin.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.stdin.end();
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(status, 0);
  assert.equal(JSON.parse(out).id, 7);
});
