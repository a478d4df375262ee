// Whole lines in and out, without waiting for an event loop. Assumes that nothing else reads or writes the two descriptors;
// promises that a line is written whole before `writeAll` returns.

import fs from 'node:fs';

const CHUNK = 65536;
const pause = new Int32Array(new SharedArrayBuffer(4));

// A descriptor that another program made non-blocking says EAGAIN; there is nothing to wait on but time.
function patiently(attempt) {
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** @param {number} fd @param {string|Uint8Array} text */
export function writeAll(fd, text) {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  for (let done = 0; done < bytes.length; ) {
    done += patiently(() => fs.writeSync(fd, bytes, done, bytes.length - done));
  }
}

/**
 * The lines of a descriptor, without their LF; at the end also what follows the last LF, if anything does.
 * @param {number} fd @returns {Generator<Buffer>}
 */
export function* lines(fd) {
  let parts = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    let count;
    try {
      count = patiently(() => fs.readSync(fd, chunk, 0, CHUNK, null));
    } catch (error) {
      if (error.code !== 'EOF') throw error;
      count = 0;
    }
    if (count === 0) break;
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0 && end < count; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]);
      parts = [];
      start = end + 1;
    }
    if (start < count) parts.push(chunk.subarray(start, count));
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}
