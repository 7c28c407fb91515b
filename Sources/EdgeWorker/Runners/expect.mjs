// expect() and its matchers, written for grading: a value of the candidate's cannot decide a
// comparison. Wildcards (expect.any and the like) count only on the expected side and only if
// made here; numbers must be numbers and text must be text, not objects that turn into them.
const { is } = Object;
const tagOf = (value) => Object.prototype.toString.call(value);
const own = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
const wildcards = new WeakMap(); // made by us -> function that tells whether it fits

function keysOf(object) {
  const symbols = Object.getOwnPropertySymbols(object).filter(
    (s) => Object.getOwnPropertyDescriptor(object, s).enumerable);
  return [...Object.keys(object), ...symbols];
}

function show(value) {
  try {
    if (typeof value === 'string') return JSON.stringify(value).slice(0, 300);
    if (typeof value === 'function') return `function ${value.name}`;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (typeof value === 'object' && value !== null) {
      const text = JSON.stringify(value, (k, v) => (typeof v === 'bigint' ? `${v}n` : v));
      return (text ?? tagOf(value)).slice(0, 300);
    }
    return String(value);
  } catch {
    return tagOf(value);
  }
}

/** Whether a, the received value, equals b, the expected one. */
function equals(a, b, strict = false, seen = []) {
  if (typeof b === 'object' && b !== null && wildcards.has(b)) return wildcards.get(b)(a);
  if (typeof a === 'object' && a !== null && wildcards.has(a)) return false;
  if (is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const tag = tagOf(a);
  if (tag !== tagOf(b)) return false;
  if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Error && b instanceof Error) return a.name === b.name && a.message === b.message;
  if (tag === '[object Date]') return is(Number(a), Number(b));
  if (tag === '[object RegExp]') return a.source === b.source && a.flags === b.flags;
  if (/^\[object (Number|String|Boolean|Symbol|BigInt)\]$/.test(tag)) {
    return is(a.valueOf(), b.valueOf());
  }
  if (seen.some(([x, y]) => x === a && y === b)) return true;
  const inner = [...seen, [a, b]];
  const same = (x, y) => equals(x, y, strict, inner);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if ((Array.isArray(a) || ArrayBuffer.isView(a)) && a.length !== b.length) return false;
  if (a instanceof Map && b instanceof Map) {
    if (a.size !== b.size) return false;
    const rest = [...a];
    return [...b].every(([key, value]) => {
      const at = rest.findIndex(([k, v]) => same(k, key) && same(v, value));
      if (at >= 0) rest.splice(at, 1);
      return at >= 0;
    });
  }
  if (a instanceof Set && b instanceof Set) {
    if (a.size !== b.size) return false;
    const rest = [...a];
    return [...b].every((value) => {
      const at = rest.findIndex((item) => same(item, value));
      if (at >= 0) rest.splice(at, 1);
      return at >= 0;
    });
  }
  const iterable = (x) => !Array.isArray(x) && typeof x[Symbol.iterator] === 'function';
  if (iterable(a) && iterable(b) && a.constructor === b.constructor && !ArrayBuffer.isView(a)) {
    const [left, right] = [[...a], [...b]];
    if (left.length !== right.length || !left.every((x, i) => same(x, right[i]))) return false;
  }
  const missing = (object, key) => !own(object, key) || (!strict && object[key] === undefined);
  const keys = new Set([...keysOf(a), ...keysOf(b)]);
  return [...keys].every((key) => (
    missing(a, key) || missing(b, key)
      ? missing(a, key) && missing(b, key) : same(a[key], b[key])));
}

/** Whether every member that b names is in a. */
function covers(a, b) {
  if (typeof b !== 'object' || b === null || wildcards.has(b)) return equals(a, b);
  if (typeof a !== 'object' || a === null) return false;
  if (Array.isArray(b)) {
    return Array.isArray(a) && a.length === b.length && b.every((item, i) => covers(a[i], item));
  }
  if (tagOf(b) !== '[object Object]') return equals(a, b);
  return keysOf(b).every((key) => key in a && covers(a[key], b[key]));
}

function thrownFits(error, wanted) {
  const message = typeof error === 'object' && error !== null ? error.message : error;
  if (wanted === undefined) return true;
  if (typeof wanted === 'string') return typeof message === 'string' && message.includes(wanted);
  if (wanted instanceof RegExp) return typeof message === 'string' && wanted.test(message);
  if (typeof wanted === 'function') return error instanceof wanted;
  if (wildcards.has(wanted)) return wildcards.get(wanted)(error);
  return typeof message === 'string' && message === wanted.message;
}

function wildcard(fits, inverse) {
  const made = Object.freeze({ toString: () => 'a wildcard' });
  wildcards.set(made, inverse ? (value) => !fits(value) : fits);
  return made;
}

const TYPES = new Map([
  [String, 'string'], [Number, 'number'], [Boolean, 'boolean'], [BigInt, 'bigint'],
  [Symbol, 'symbol'], [Function, 'function'], [Object, 'object']]);

const near = (a, b, digits) => is(a, b) || Math.abs(a - b) < 10 ** -digits / 2;

function wildcardMakers(inverse) {
  const make = (fits) => wildcard(fits, inverse);
  return {
    any: (cls) => make((v) => (TYPES.has(cls) && typeof v === TYPES.get(cls)) || v instanceof cls),
    anything: () => make((v) => v !== null && v !== undefined),
    arrayContaining: (list) => make((v) => (
      Array.isArray(v) && list.every((item) => v.some((x) => equals(x, item))))),
    objectContaining: (object) => make((v) => (
      typeof v === 'object' && v !== null
      && keysOf(object).every((key) => key in v && equals(v[key], object[key])))),
    stringContaining: (part) => make((v) => typeof v === 'string' && v.includes(part)),
    stringMatching: (rule) => make((v) => typeof v === 'string' && new RegExp(rule).test(v)),
    closeTo: (n, digits = 2) => make((v) => typeof v === 'number' && near(v, n, digits)),
  };
}

const numeric = (v) => typeof v === 'number' || typeof v === 'bigint';
const ordered = (f) => (a, b) => numeric(a) && numeric(b) && f(a, b);
const calls = (f) => {
  if (!f?._isMockFunction) throw new Error('the received value is no mock function');
  return f.mock.calls;
};
const follow = (object, where) => {
  const keys = Array.isArray(where) ? where : String(where).replace(/\[(\w+)\]/g, '.$1').split('.');
  let at = object;
  for (const key of keys) {
    if (at === null || at === undefined || !(key in Object(at))) return { found: false };
    at = at[key];
  }
  return { found: true, value: at };
};

const MATCHERS = {
  toBe: (a, b) => is(a, b),
  toEqual: (a, b) => equals(a, b),
  toStrictEqual: (a, b) => equals(a, b, true),
  toMatchObject: (a, b) => covers(a, b),
  toBeCloseTo: (a, b, digits = 2) => (
    typeof a === 'number' && typeof b === 'number' && near(a, b, digits)),
  toBeDefined: (a) => a !== undefined,
  toBeUndefined: (a) => a === undefined,
  toBeNull: (a) => a === null,
  toBeNaN: (a) => is(a, NaN),
  toBeTruthy: (a) => Boolean(a),
  toBeFalsy: (a) => !a,
  toBeGreaterThan: ordered((a, b) => a > b),
  toBeGreaterThanOrEqual: ordered((a, b) => a >= b),
  toBeLessThan: ordered((a, b) => a < b),
  toBeLessThanOrEqual: ordered((a, b) => a <= b),
  toBeInstanceOf: (a, cls) => Function.prototype[Symbol.hasInstance].call(cls, a),
  toContain: (a, item) => (
    typeof a === 'string' ? a.includes(item) : [...a].some((x) => x === item || is(x, item))),
  toContainEqual: (a, item) => [...a].some((x) => equals(x, item)),
  toHaveLength: (a, n) => a?.length === n,
  toHaveProperty: (a, where, ...value) => {
    const { found, value: at } = follow(a, where);
    return found && (value.length === 0 || equals(at, value[0]));
  },
  toMatch: (a, rule) => (
    typeof a === 'string' && (rule instanceof RegExp ? rule.test(a) : a.includes(rule))),
  toHaveBeenCalled: (f) => calls(f).length > 0,
  toHaveBeenCalledTimes: (f, n) => calls(f).length === n,
  toHaveBeenCalledWith: (f, ...args) => calls(f).some((call) => equals(call, args)),
  toHaveBeenLastCalledWith: (f, ...args) => equals(calls(f).at(-1), args),
  toHaveBeenNthCalledWith: (f, n, ...args) => equals(calls(f)[n - 1], args),
  toHaveReturnedWith: (f, value) => (
    calls(f).length > 0
    && f.mock.results.some((r) => r.type === 'return' && equals(r.value, value))),
};

export function makeExpect() {
  const extra = new Map();
  let count = 0;
  let wanted = null; // from expect.assertions and expect.hasAssertions

  const fail = (name, not, value, args) => {
    const wantedText = args.map(show).join(', ');
    throw new Error(`${not ? 'not ' : ''}${name}: received ${show(value)}, expected ${wantedText}`);
  };

  function judge(name, value, args, not) {
    count += 1;
    let passed;
    if (name === 'toThrow' || name === 'toThrowError') {
      passed = value.threw && thrownFits(value.error, args[0]);
      if (passed === not) fail(name, not, value.threw ? value.error : 'no exception', args);
      return;
    }
    const own_ = extra.get(name);
    if (own_) passed = Boolean(own_.call({ equals, isNot: not }, value, ...args).pass);
    else passed = MATCHERS[name](value, ...args);
    if (passed === not) fail(name, not, value, args);
  }

  function call(f) {
    if (typeof f !== 'function') throw new Error('toThrow needs a function');
    try { f(); } catch (error) { return { threw: true, error }; }
    return { threw: false };
  }

  const names = () => [...Object.keys(MATCHERS), 'toThrow', 'toThrowError', ...extra.keys()];

  function matchers(value, not, settled) {
    const made = {};
    for (const name of names()) {
      const throwing = name.startsWith('toThrow');
      made[name] = (...args) => {
        if (settled === undefined) return judge(name, throwing ? call(value) : value, args, not);
        return settled(value).then((v) => (
          judge(name, throwing ? { threw: true, error: v } : v, args, not)));
      };
    }
    return made;
  }

  const resolved = async (promise) => promise;
  const rejected = async (promise) => {
    let value;
    try {
      value = await (typeof promise === 'function' ? promise() : promise);
    } catch (error) {
      return error;
    }
    throw new Error(`the promise was fulfilled with ${show(value)}`);
  };

  function expect(value) {
    const both = (settled) => Object.assign(
      matchers(value, false, settled), { not: matchers(value, true, settled) });
    return Object.assign(both(), { resolves: both(resolved), rejects: both(rejected) });
  }

  Object.assign(expect, wildcardMakers(false), {
    not: Object.freeze(wildcardMakers(true)),
    assertions: (n) => { wanted = n; },
    hasAssertions: () => { wanted = 'some'; },
    extend(more) {
      for (const [name, matcher] of Object.entries(more)) {
        if (names().includes(name)) throw new Error(`the matcher ${name} exists and stays`);
        extra.set(name, matcher);
      }
    },
  });

  /** Ends one test's count of expectations, and starts the next one's. */
  function finish() {
    const [had, should] = [count, wanted];
    count = 0;
    wanted = null;
    if (should === 'some' ? had === 0 : should !== null && had !== should) {
      throw new Error(`${had} expectations ran, ${should} were announced`);
    }
  }

  return { expect, finish };
}
