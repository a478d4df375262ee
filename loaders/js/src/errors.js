// What can go wrong, as values. Assumes nothing; promises that every failure a file, a set or a program can
// cause is a PackfileError whose outcome, trap code and rule are those of the specification. Anything else
// that is thrown is a misuse of the interface, an error of the system, or a defect of the loader.

/** @typedef {'malformed'|'unsupported'|'unlinkable'|'invalid'|'trap'|'exhausted'} Outcome */

/**
 * @typedef {object} Details
 * @property {string} [rule] the rule that is broken, or that says when a trap happens
 * @property {string} [code] for a trap, its code
 * @property {number} [offset] place in the file
 * @property {string} [path] the file
 */

export class PackfileError extends Error {
  /**
   * @param {Outcome} outcome
   * @param {string} message for people; nothing may depend on it
   * @param {Details} [details]
   */
  constructor(outcome, message, { rule, code, offset, path } = {}) {
    super(message);
    this.name = 'PackfileError';
    this.outcome = outcome;
    this.rule = rule;
    this.code = code;
    this.offset = offset;
    this.path = path;
  }

  /** One line, such as `a.pkf:0x10: malformed: PF-HDR-008: expected 4096, got 4095`. */
  get line() {
    const place = this.offset === undefined ? '' : `:0x${this.offset.toString(16)}`;
    const where = this.path === undefined ? '' : `${this.path}${place}: `;
    const outcome = this.code === undefined ? this.outcome : `${this.outcome} ${this.code}`;
    return `${where}${outcome}: ${this.rule === undefined ? '' : `${this.rule}: `}${this.message}`;
  }
}

/** Thrown by a host function to report a failure: its caller traps with `host`. */
export class HostFailure extends Error {}

/** @param {string} rule @param {number|undefined} offset @param {unknown} expected @param {unknown} got */
export function malformed(rule, offset, expected, got) {
  return new PackfileError('malformed', `expected ${expected}, got ${got}`, { rule, offset });
}

/** @param {string} rule @param {number|undefined} offset @param {unknown} expected @param {unknown} got */
export function invalid(rule, offset, expected, got) {
  return new PackfileError('invalid', `expected ${expected}, got ${got}`, { rule, offset });
}

/** @param {string} rule @param {string} message */
export function unlinkable(rule, message) {
  return new PackfileError('unlinkable', message, { rule });
}

/** @param {string} rule @param {string} message */
export function exhausted(rule, message) {
  return new PackfileError('exhausted', message, { rule });
}

/** @param {string} code @param {string} [rule] the instruction's own where left out @param {string} [message] */
export function trap(code, rule, message = code) {
  return new PackfileError('trap', message, { rule, code });
}
