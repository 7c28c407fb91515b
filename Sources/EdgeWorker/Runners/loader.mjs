// Loads the test file and the candidate's modules as if the tests stood in the workspace's root.
//
// A file that exists below the tests folder takes the place of the file of the same name in the
// workspace, so a candidate cannot shadow a test or its helpers. Modules are linked here
// (vm.SourceTextModule) because ES modules have no search path that could be set from outside.
// Like the tools that tests are written for: extensions may be left out, and a .js file is an
// ES module if it has import or export statements, else CommonJS; each may use the other.
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { builtinModules } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const { readFileSync, statSync } = fs;
const ENDINGS = ['', '.js', '.mjs', '.cjs', '.json', '/index.js', '/index.mjs'];

const WRAPPER = ['exports', 'require', 'module', '__filename', '__dirname'];

/** A .js file that is no script, because of import, export or await, is an ES module. */
function isModule(file, text) {
  if (file.endsWith('.cjs') || file.endsWith('.mjs')) return file.endsWith('.mjs');
  try {
    vm.compileFunction(text.replace(/^#!.*/, ''), WRAPPER);
    return false;
  } catch {
    return true;
  }
}

function isFile(name) {
  const found = statSync(name, { throwIfNoEntry: false });
  return found !== undefined && found.isFile();
}

export class Loader {
  #modules = new Map(); // path or builtin name -> vm.Module
  #scripts = new Map(); // path -> CommonJS module object
  #builtins = new Map(); // name -> object whose members are exported
  #require;
  #plan;

  /** What a test fails in that cannot be loaded: `compile` is the candidate's source. */
  stage = 'import';

  constructor(plan, nativeRequire) {
    this.#plan = plan;
    this.#require = nativeRequire;
  }

  addBuiltin(name, exports) {
    this.#builtins.set(name, exports);
  }

  async importTest(file) {
    const name = path.join(this.#plan.workspace, file);
    return (await this.#evaluated(this.#module(this.#find(name, file)))).namespace;
  }

  /** Where the text of a workspace path really is. */
  #source(name) {
    const inside = path.relative(this.#plan.workspace, name);
    if (!inside.startsWith('..') && !path.isAbsolute(inside)) {
      const hidden = path.join(this.#plan.tests, inside);
      if (isFile(hidden)) return hidden;
    }
    return isFile(name) ? name : undefined;
  }

  #find(base, specifier) {
    for (const ending of ENDINGS) {
      if (this.#source(base + ending)) return base + ending;
    }
    throw new Error(`Cannot find module '${specifier}'`);
  }

  /** A builtin's name, an absolute path, or {bare} for a package. */
  #resolve(specifier, from) {
    if (this.#builtins.has(specifier)) return { builtin: specifier };
    if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
      return { bare: specifier };
    }
    let base;
    if (specifier.startsWith('file:')) base = fileURLToPath(specifier);
    else if (specifier.startsWith('/')) base = specifier;
    else if (/^\.\.?(\/|$)/.test(specifier)) base = path.resolve(path.dirname(from), specifier);
    else return { bare: specifier };
    return { file: this.#find(base, specifier) };
  }

  #synthetic(key, exports) {
    const names = new Set(['default']);
    if (exports !== null && (typeof exports === 'object' || typeof exports === 'function')) {
      for (const name of Object.keys(exports)) names.add(name);
    }
    const made = new vm.SyntheticModule([...names], () => {
      for (const name of names) {
        made.setExport(name, name === 'default' && !exports?.__esModule ? exports : exports[name]);
      }
    }, { identifier: key });
    this.#modules.set(key, made);
    return made;
  }

  #module(target) {
    const { file, builtin, bare } = typeof target === 'string' ? { file: target } : target;
    const key = file ?? builtin ?? bare;
    if (this.#modules.has(key)) return this.#modules.get(key);
    if (builtin) return this.#synthetic(key, this.#builtins.get(builtin));
    if (bare) return this.#synthetic(key, this.#require(bare));
    const text = readFileSync(this.#source(file), 'utf8');
    if (file.endsWith('.json')) return this.#synthetic(key, JSON.parse(text));
    if (!isModule(file, text)) return this.#synthetic(key, this.#script(file, text));
    const made = this.#parsed(file, () => new vm.SourceTextModule(text, {
      identifier: file,
      initializeImportMeta: (meta) => {
        meta.url = pathToFileURL(file).href;
        meta.filename = file;
        meta.dirname = path.dirname(file);
        meta.resolve = (name) => {
          const found = this.#resolve(name, file);
          return found.file ? pathToFileURL(found.file).href : found.bare;
        };
      },
      importModuleDynamically: (name) => this.#dynamic(name, file),
    }));
    this.#modules.set(key, made);
    return made;
  }

  #parsed(file, parse) {
    try {
      return parse();
    } catch (error) {
      if (this.#source(file) === file) this.stage = 'compile';
      throw error;
    }
  }

  async #evaluated(module) {
    if (module.status === 'unlinked') {
      await module.link((name, from) => this.#module(this.#resolve(name, from.identifier)));
    }
    await module.evaluate();
    return module;
  }

  #dynamic(name, from) {
    return this.#evaluated(this.#module(this.#resolve(name, from)));
  }

  /** Runs a CommonJS file once and returns what it exports. */
  #script(file, text) {
    const known = this.#scripts.get(file);
    if (known) return known.exports;
    const module = {
      exports: {}, id: file, filename: file, loaded: false, children: [], paths: [],
    };
    this.#scripts.set(file, module);
    const require = (name) => this.#required(name, file);
    require.resolve = (name) => this.#resolve(name, file).file ?? this.#require.resolve(name);
    require.cache = {};
    require.main = undefined;
    const run = this.#parsed(file, () => vm.compileFunction(
      text.replace(/^#!.*/, ''), WRAPPER,
      { filename: file, importModuleDynamically: (name) => this.#dynamic(name, file) }));
    run.call(module.exports, module.exports, require, module, file, path.dirname(file));
    module.loaded = true;
    return module.exports;
  }

  #required(name, from) {
    const found = this.#resolve(name, from);
    if (found.builtin) return this.#builtins.get(found.builtin);
    if (found.bare) return this.#require(found.bare);
    const text = readFileSync(this.#source(found.file), 'utf8');
    if (found.file.endsWith('.json')) return JSON.parse(text);
    const module = this.#modules.get(found.file);
    if (module?.status === 'evaluated') return module.namespace;
    if (isModule(found.file, text)) {
      // What cannot be parsed at all is no module either.
      this.#parsed(found.file, () => new vm.SourceTextModule(text));
      throw new Error(`require() of the ES module '${name}' is not possible here: use import`);
    }
    return this.#script(found.file, text);
  }
}
