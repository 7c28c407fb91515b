// Runs one test file with the jest-style functions, or one file of node's own test runner.
//
// The candidate shares this process, so nothing here is a wall against code that reads memory
// (heap snapshots, /proc/self/mem). What is done: the records' token stands in a closure and is
// gone from standard input; built-in objects are remembered before the candidate is loaded and
// compared at each report, and a change of an existing member voids the file; what the candidate
// can import of the framework is frozen; leaving early leaves the last record out, and without
// it nothing counts. The final report is another process's (supervise.py).
import fs from 'node:fs';
import assert from 'node:assert';
import { createRequire } from 'node:module';
import nodeTest from 'node:test';
import { Loader } from './loader.mjs';
import { makeExpect } from './expect.mjs';
import { makeJest } from './jest.mjs';
import { attach } from './events.mjs';

const plan = JSON.parse(fs.readFileSync(0, 'utf8'));
const { writeSync } = fs;
const { stringify } = JSON;
const { is } = Object;
const { apply, ownKeys, getOwnPropertyDescriptor } = Reflect;
const now = performance.now.bind(performance);
const WARM_UP = 'edgecoder: the reporter is in place';
const { slice: stringSlice } = String.prototype;

/** Every member of the objects that matchers, reports and tests lean on, as it is now. */
function fingerprint() {
  const names = [
    'Object', 'Function', 'Array', 'String', 'Number', 'BigInt', 'Boolean', 'Symbol', 'Math',
    'JSON', 'Reflect', 'Promise', 'Map', 'Set', 'WeakMap', 'WeakSet', 'Date', 'RegExp', 'Error',
    'TypeError', 'RangeError', 'SyntaxError', 'Proxy',
  ];
  const entries = [];
  const add = (title, object) => {
    for (const key of ownKeys(object)) {
      const d = getOwnPropertyDescriptor(object, key);
      // Legacy statics of RegExp change with every match; a stack limit is anybody's business.
      if (title === 'RegExp' && !('value' in d)) continue;
      if (title === 'Error' && (key === 'stackTraceLimit' || key === 'prepareStackTrace')) continue;
      entries.push([`${title}.${String(key)}`, object, key, d.value, d.get]);
    }
  };
  for (const name of names) {
    entries.push([name, globalThis, name, globalThis[name], undefined]);
    add(name, globalThis[name]);
    if (globalThis[name].prototype) add(`${name}.prototype`, globalThis[name].prototype);
  }
  for (const [title, object] of [
    ['Array iterator', Object.getPrototypeOf([][Symbol.iterator]())],
    ['fs', fs], ['assert', assert], ['assert.strict', assert.strict], ['node:test', nodeTest],
    ['node:test mock', Object.getPrototypeOf(nodeTest.mock)],
  ]) add(title, object);
  const count = entries.length;
  return () => {
    for (let i = 0; i < count; i += 1) {
      const [title, object, key, value, get] = entries[i];
      const d = getOwnPropertyDescriptor(object, key);
      if (!d || !is(d.value, value) || d.get !== get) return title;
    }
    return '';
  };
}

const guarded = !plan.without.includes('integrity');
const { token } = plan;
delete plan.token;
const changed = fingerprint();
let reason = '';
let ended = false;

function send(kind, name, status, message, ms) {
  if (ended) return;
  if (guarded && !reason) {
    const what = changed();
    if (what) reason = `the test framework was modified: ${what}`;
  }
  if (kind === 'end') {
    ended = true;
    message = reason;
  }
  const short = apply(stringSlice, message, [0, 2000]);
  // Text by text: a list would first be asked for a toJSON, which anybody can add.
  writeSync(3, `[${stringify(token)},${stringify(kind)},${stringify(name)},${stringify(status)},`
    + `${stringify(short)},${ms}]\n`);
}

process.chdir(plan.workspace);
const loader = new Loader(plan, createRequire(`${plan.workspace}/package.json`));

function describeError(error) {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'an exception that cannot be shown';
  }
}

async function runJest() {
  const { expect, finish } = makeExpect();
  const jest = makeJest(expect, finish, describeError, now);
  loader.addBuiltin('@jest/globals', jest.globals);
  for (const [name, value] of Object.entries(jest.globals)) {
    Object.defineProperty(globalThis, name, { value, writable: !guarded, configurable: !guarded });
  }
  try {
    await loader.importTest(plan.file);
  } catch (error) {
    send('test', `${plan.file} > (${loader.stage})`, 'failed', describeError(error), 0);
    return;
  }
  await jest.run(plan.file, (name, status, message, ms) => send('test', name, status, message, ms));
}

/** node:test reports through its event stream; full names are rebuilt from the nesting. */
async function runNode() {
  const names = [];
  attach(({ type, data }) => {
    if (type === 'test:start') {
      names.length = data.nesting;
      names[data.nesting] = data.name;
    } else if (type === 'test:pass' || type === 'test:fail') {
      const { name, nesting, details, skip, todo } = data;
      const full = [plan.file, ...names.slice(0, nesting), name].join(' > ');
      if (name === WARM_UP && nesting === 0) return;
      const left = skip !== undefined || todo !== undefined;
      const status = left ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed';
      const error = details.error?.cause ?? details.error;
      const message = error ? describeError(error) : '';
      send('test', full, status, message, Math.trunc(details.duration_ms ?? 0));
    } else if (type === 'end') {
      send('end', '', '', '', 0);
    }
  });
  // The first test makes node start its reporter, before the candidate can get hold of it.
  await nodeTest(WARM_UP, () => {});
  await new Promise((resolve) => { setImmediate(resolve); });
  try {
    await loader.importTest(plan.file);
  } catch (error) {
    send('test', `${plan.file} > (${loader.stage})`, 'failed', describeError(error), 0);
  }
}

// A rejection nobody handles is the candidate's mistake; the test that waits for it will fail.
process.on('unhandledRejection', () => {});
if (plan.runner === 'jest') {
  // Keeps the process alive while a test waits for something that will never come.
  const alive = setInterval(() => {}, 1 << 30);
  runJest().then(
    () => send('end', '', '', '', 0),
    (error) => { reason = reason || `the runner failed: ${describeError(error)}`; },
  ).finally(() => { clearInterval(alive); process.reallyExit(0); });
} else {
  await runNode();
}
