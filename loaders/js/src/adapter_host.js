// The host module of the adapter protocol. Assumes an array for the log of the running call; promises the four functions that
// spec/adapter.md lists.

import { HostFailure, HostModule } from './host.js';

/** @param {bigint} bits */
export function hexBits(bits) {
  return bits.toString(16).padStart(16, '0');
}

/** @param {object[]} log entries are added to it, and it is never replaced */
export function protocolFunctions(log) {
  return [
    { name: 'log_i', signature: '(i) -> ()', call: ({ i }) => void log.push({ i: String(i[0]) }) },
    { name: 'log_n', signature: '(n) -> ()', call: ({ bits }) => void log.push({ n: hexBits(bits[0]) }) },
    {
      name: 'mix',
      signature: '(i, i, n, n) -> (i, i, n, n)',
      call(given, results) {
        const [x, y] = given.i;
        results.i[0] = x + y;
        results.i[1] = x - y;
        results.bits[0] = given.bits[1];
        results.bits[1] = given.bits[0];
      },
    },
    {
      name: 'trap',
      signature: '() -> ()',
      call() {
        throw new HostFailure('the host function trap was called');
      },
    },
  ];
}

/** @param {object[]} log */
export function protocolHost(log) {
  return new HostModule(protocolFunctions(log));
}
