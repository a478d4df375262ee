// The module `host` of the command `run`, with which programs print. Assumes nothing of the addresses that it is given; promises
// the protocol's functions, whose log goes to standard output, and four that print. It is no part of the specification.

import { HostFailure, HostModule } from './host.js';
import { protocolFunctions } from './adapter_host.js';
import { writeAll } from './stdio.js';
import { PackfileError } from './errors.js';

/** @param {(value: number) => string} showFloat */
export function runHost(showFloat) {
  const printed = {
    log_i: ({ i }) => writeAll(1, `${i[0]}\n`),
    log_n: ({ n }) => writeAll(1, `${showFloat(n[0])}\n`),
  };
  const protocol = protocolFunctions([]).map((each) => ({ ...each, call: printed[each.name] ?? each.call }));
  return new HostModule([
    ...protocol,
    { name: 'print_i', signature: '(i) -> ()', call: ({ i }) => writeAll(1, String(i[0])) },
    { name: 'print_n', signature: '(n) -> ()', call: ({ n }) => writeAll(1, showFloat(n[0])) },
    {
      name: 'print_char',
      signature: '(i) -> ()',
      call({ i }) {
        if (i[0] < 0n || i[0] > 0x10ffffn) throw new HostFailure(`${i[0]} is no character`);
        writeAll(1, String.fromCodePoint(Number(i[0])));
      },
    },
    {
      name: 'print_bytes',
      signature: '(i, i) -> ()',
      call({ i }, results, process) {
        try {
          writeAll(1, process.read(i[0], BigInt.asUintN(64, i[1])));
        } catch (error) {
          if (error instanceof PackfileError) throw new HostFailure(error.message);
          throw error;
        }
      },
    },
  ]);
}
