// Collects describe and test blocks, then runs every test that is not skipped.
//
// A test is named by its file and titles, joined by " > ".
// Differences from jest, all because this grades: `x...` and `.only` change nothing (a candidate
// gets all tests), `.skip` and `.todo` are reported as skipped; no module mocks, no fake timers,
// no snapshots.
const { setTimeout, clearTimeout } = globalThis;
const WAIT = 20000; // ms for one test that names no limit of its own

/** %s %d %i %f %j %o %p %# %% from a row, and $name from an object row. */
function title(pattern, row, index) {
  let at = 0;
  const show = (v) => (typeof v === 'string' ? JSON.stringify(v) : String(JSON.stringify(v) ?? v));
  const text = String(pattern).replace(/%([sdifjop#%])/g, (all, kind) => {
    if (kind === '%') return '%';
    if (kind === '#') return String(index);
    if (at >= row.length) return all;
    const value = row[at++];
    if (kind === 's') return String(value);
    if (kind === 'i') return String(Math.trunc(value));
    return kind === 'd' || kind === 'f' ? String(Number(value)) : show(value);
  });
  if (row.length !== 1 || row[0] === null || typeof row[0] !== 'object') return text;
  return text.replace(/\$([\w.]+)/g, (all, name) => {
    if (name === '#') return String(index);
    const value = name.split('.').reduce((o, key) => o?.[key], row[0]);
    return value === undefined ? all : show(value);
  });
}

/** Rows of `.each`: a list, or a tagged template with a heading line. */
function rowsOf(table, values) {
  if (!Array.isArray(table.raw)) return table.map((row) => (Array.isArray(row) ? row : [row]));
  const names = table[0].split('|').map((name) => name.trim()).filter(Boolean);
  const rows = [];
  for (let i = 0; i + names.length <= values.length; i += names.length) {
    rows.push([Object.fromEntries(names.map((name, k) => [name, values[i + k]]))]);
  }
  return rows;
}

function mockFunction(body) {
  const state = { calls: [], results: [], instances: [], contexts: [] };
  const queue = [];
  let usual = body;
  function mock(...args) {
    state.calls.push(args);
    state.contexts.push(this);
    state.instances.push(this);
    try {
      const value = (queue.shift() ?? usual ?? (() => undefined)).apply(this, args);
      state.results.push({ type: 'return', value });
      return value;
    } catch (error) {
      state.results.push({ type: 'throw', value: error });
      throw error;
    }
  }
  const set = (f) => { usual = f; return mock; };
  const once = (f) => { queue.push(f); return mock; };
  return Object.assign(mock, {
    mock: state, _isMockFunction: true, getMockName: () => 'jest.fn()',
    mockImplementation: set, mockImplementationOnce: once,
    mockReturnValue: (v) => set(() => v), mockReturnValueOnce: (v) => once(() => v),
    mockResolvedValue: (v) => set(async () => v), mockResolvedValueOnce: (v) => once(async () => v),
    mockRejectedValue: (v) => set(async () => { throw v; }),
    mockClear: () => { for (const list of Object.values(state)) list.length = 0; return mock; },
    mockReset: () => { usual = undefined; queue.length = 0; return mock.mockClear(); },
    mockRestore: () => mock,
  });
}

export function makeJest(expect, finish, describeError, now) {
  const block = (name, parent, skipped) => ({
    name, parent, skipped, entries: [], beforeAll: [], beforeEach: [], afterEach: [], afterAll: [],
  });
  const root = block('', null, false);
  let current = root;
  let running = false;

  function enter(name, body, skipped) {
    if (running) throw new Error('describe inside a test');
    const outer = current;
    current = block(String(name), outer, skipped || outer.skipped);
    outer.entries.push(current);
    try { body(); } finally { current = outer; }
  }

  function add(name, body, limit, skipped) {
    if (running) throw new Error('test inside a test');
    const wait = typeof limit === 'number' ? Math.max(limit, WAIT) : WAIT;
    current.entries.push({ name: String(name), body, wait, skipped: skipped || current.skipped });
  }

  function family(make, skipping) {
    const plain = (...args) => make(false, ...args);
    const each = (skipped) => (table, ...values) => (name, body, limit) => {
      rowsOf(table, values).forEach((row, i) => {
        make(skipped, title(name, row, i), () => body(...row), limit);
      });
    };
    plain.each = each(false);
    plain.only = (...args) => make(false, ...args);
    plain.only.each = each(false);
    plain.skip = (...args) => make(skipping, ...args);
    plain.skip.each = each(skipping);
    return plain;
  }

  const test = family((skipped, name, body, limit) => add(name, body, limit, skipped), true);
  const describe = family((skipped, name, body) => enter(name, body, skipped), true);
  test.todo = (name) => add(name, () => {}, undefined, true);
  test.concurrent = test;
  const hook = (kind) => (body) => { current[kind].push(body); };
  const spies = [];
  const jest = {
    fn: mockFunction,
    spyOn(object, name) {
      const original = object[name];
      const mock = mockFunction(original);
      object[name] = mock;
      mock.mockRestore = () => { object[name] = original; return mock; };
      spies.push(mock);
      return mock;
    },
    restoreAllMocks() { for (const mock of spies.splice(0)) mock.mockRestore(); },
    clearAllMocks() { for (const mock of spies) mock.mockClear(); },
    setTimeout() { return jest; },
  };
  const xtest = family((skipped, name, body, limit) => add(name, body, limit, skipped), true);
  const xdescribe = family((skipped, name, body) => enter(name, body, skipped), true);
  const globals = {
    describe, xdescribe, fdescribe: describe, test, it: test, xtest, xit: xtest, fit: test, expect,
    jest, beforeAll: hook('beforeAll'), beforeEach: hook('beforeEach'),
    afterEach: hook('afterEach'), afterAll: hook('afterAll'),
  };
  for (const value of Object.values(globals)) Object.freeze(value);

  /** Runs one function that may return a promise or take a callback, within a limit. */
  function perform(body, wait) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`longer than ${wait} ms`)), wait);
      const settle = (f) => (value) => { clearTimeout(timer); f(value); };
      const done = settle((error) => (error ? reject(error) : resolve()));
      done.fail = settle(reject);
      try {
        const value = body.length > 0 ? body(done) : body();
        if (body.length === 0) Promise.resolve(value).then(settle(resolve), settle(reject));
      } catch (error) {
        settle(reject)(error);
      }
    });
  }

  const chain = (at) => (at ? [...chain(at.parent), at] : []);

  async function runTest(test_, at, prefix, report) {
    const name = `${prefix} > ${test_.name}`;
    if (test_.skipped) return report(name, 'skipped', '', 0);
    const begin = now();
    let problem;
    const attempt = async (body, wait = WAIT) => {
      try { await perform(body, wait); } catch (error) { problem ??= { error }; }
    };
    for (const level of chain(at)) {
      for (const body of level.beforeEach) if (!problem) await attempt(body);
    }
    finish();
    if (!problem) await attempt(test_.body, test_.wait);
    try { finish(); } catch (error) { problem ??= { error }; }
    for (const level of chain(at).reverse()) {
      for (const body of level.afterEach) await attempt(body);
    }
    const ms = Math.trunc(now() - begin);
    if (problem) return report(name, 'failed', describeError(problem.error), ms);
    return report(name, 'passed', '', ms);
  }

  async function runBlock(at, prefix, report) {
    let broken;
    for (const body of at.beforeAll) {
      try { await perform(body, WAIT); } catch (error) { broken ??= { error }; }
    }
    const text = ({ error }) => describeError(error);
    for (const entry of at.entries) {
      if (entry.entries) await runBlock(entry, `${prefix} > ${entry.name}`, report);
      else if (broken) report(`${prefix} > ${entry.name}`, 'failed', text(broken), 0);
      else await runTest(entry, at, prefix, report);
    }
    for (const body of at.afterAll) {
      try { await perform(body, WAIT); } catch (error) {
        report(`${prefix} > (afterAll)`, 'failed', describeError(error), 0);
      }
    }
  }

  return {
    globals: Object.freeze(globals),
    run(file, report) {
      running = true;
      return runBlock(root, file, report);
    },
  };
}
