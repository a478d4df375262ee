// The bytes of a file. Assumes that nobody changes the file while it is open; promises that a byte, once read,
// is never read again, so that what was verified is what runs, and that only blocks somebody asks for are read.
//
// Node has no mmap. One buffer as long as the file stands in for a mapping: the allocator gets it from the system as
// untouched zero pages, so a file of a gigabyte costs the blocks that are used and addresses for the rest.

import fs from 'node:fs';

/** Bytes that are read at once. */
export const BLOCK = 65536;

export class Source {
  /** @param {string} path @throws an error of the system if the path is no readable file */
  constructor(path) {
    this.path = path;
    // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
    this.fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    this.users = 1;
    try {
      const stat = fs.fstatSync(this.fd);
      if (!stat.isFile()) throw new Error(`${path}: not a regular file`);
      this.size = stat.size;
      this.head = new Uint8Array(Math.min(this.size, BLOCK));
      this.#fill(this.head, 0);
    } catch (error) {
      this.#shut();
      throw error;
    }
    this.complete = false;
    this.bytes = this.head;
    this.blocks = null;
  }

  /** Makes the whole file addressable; to be called once, when its size is known to be within the limits. */
  spread() {
    if (this.size <= BLOCK) {
      this.complete = true;
      this.#shut();
    } else {
      this.bytes = new Uint8Array(this.size);
      this.bytes.set(this.head);
      this.blocks = new Uint8Array(Math.ceil(this.size / BLOCK));
      this.blocks[0] = 1;
      this.missing = this.blocks.length - 1;
    }
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes sure that a range within the file is there. @param {number} offset @param {number} length */
  need(offset, length) {
    if (this.complete || length === 0) return;
    const last = Math.floor((offset + length - 1) / BLOCK);
    for (let block = Math.floor(offset / BLOCK); block <= last; block++) {
      if (this.blocks[block] === 1) continue;
      let end = block;
      while (end <= last && this.blocks[end] === 0) this.blocks[end++] = 1;
      this.#fill(this.bytes.subarray(block * BLOCK, Math.min(end * BLOCK, this.size)), block * BLOCK);
      this.missing -= end - block;
      block = end - 1;
    }
    if (this.missing === 0) {
      this.complete = true;
      this.#shut();
    }
  }

  retain() {
    this.users += 1;
  }

  release() {
    this.users -= 1;
    if (this.users === 0) this.#shut();
  }

  #fill(target, offset) {
    let done = 0;
    while (done < target.length) {
      const count = fs.readSync(this.fd, target, done, target.length - done, offset + done);
      if (count === 0) throw new Error(`${this.path}: the file became shorter while it was open`);
      done += count;
    }
  }

  #shut() {
    if (this.fd !== null) fs.closeSync(this.fd);
    this.fd = null;
  }
}
