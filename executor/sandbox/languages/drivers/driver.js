// Calls a JavaScript body once: the request is on descriptor 4, the answer goes to descriptor 3.
//
// Rules. The body runs in the function that this file makes of it, so that its lines keep their numbers.
// What was taken from the runtime before the body ran cannot be replaced by it. A value that JSON would
// change in silence is refused: NaN, Infinity, undefined, functions, symbols, BigInt, instances of classes,
// shared parts that lead back to themselves.
'use strict';

const fs = require('fs');
const vm = require('vm');
const path = require('path');
const { Writable } = require('stream');
const { createRequire } = require('module');

const { stringify, parse } = JSON;
const { isFinite, isInteger, isSafeInteger } = Number;
const { getPrototypeOf, keys, prototype: objectPrototype, getOwnPropertySymbols } = Object;
const { isArray, prototype: arrayPrototype } = Array;
const writeSync = fs.writeSync;
const exit = process.exit.bind(process);

const MAX_DEPTH = 200;
const NAME = /^[A-Za-z_$][\w$]*$/;
const request = parse(fs.readFileSync(4, 'utf8'));
fs.closeSync(4);

class NotPlain extends Error {}

// The runtime's own streams keep what a full pipe does not take; these wait until it is taken.
for (const [name, descriptor] of [['stdout', 1], ['stderr', 2]]) {
  const write = (chunk, encoding, done) => {
    for (let sent = 0; sent < chunk.length;) sent += writeSync(descriptor, chunk, sent);
    done();
  };
  const stream = Object.assign(new Writable({ write }), { fd: descriptor });
  Object.defineProperty(process, name, { value: stream, configurable: true });
}

let answered = false;

function answer(message) {
  if (answered) return;
  answered = true;
  const data = Buffer.from(stringify({ id: request.id, ...message }));
  for (let sent = 0; sent < data.length;) sent += writeSync(3, data, sent);
  exit(0);
}

function fail(category, message, trace) {
  const text = String(message);
  answer({ problem: [category, text.slice(0, 2000), String(trace || '').slice(0, 4000)] });
}

// The stack without the frames of this file and of the runtime.
function stackOf(error) {
  const lines = String(error.stack || error).split('\n');
  return lines.filter((line) => !/driver\.js|node:internal/.test(line)).join('\n');
}

function blame(error) {
  if (error instanceof NotPlain) return fail('protocol', error.message);
  let message, trace, category = 'runtime';
  try {
    message = error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`;
    trace = error instanceof Error ? stackOf(error) : '';
    if (['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_UNKNOWN_BUILTIN_MODULE'].includes(error && error.code)) {
      category = 'import';
      message = message.split('\n')[0];
    } else if (error instanceof RangeError && /Array buffer allocation failed|Invalid array buffer length/.test(message)) {
      category = 'memory';
    }
  } catch {
    message = 'an exception whose text cannot be read';
  }
  return fail(category, message, trace);
}

function checkPlain(value, where, depth, above) {
  if (depth > MAX_DEPTH) throw new NotPlain(`${where.slice(0, 60)}... is nested more than ${MAX_DEPTH} levels deep`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!isFinite(value)) throw new NotPlain(`${where} is ${value}, which JSON cannot hold`);
    return;
  }
  if (typeof value !== 'object') {
    throw new NotPlain(`${where} is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which is not a JSON value`);
  }
  if (above.has(value)) throw new NotPlain(`${where} leads back to itself`);
  above.add(value);
  if (isArray(value)) {
    for (let at = 0; at < value.length; at++) checkPlain(value[at], `${where}[${at}]`, depth + 1, above);
  } else {
    const kind = getPrototypeOf(value);
    // An object of another context of the vm module has another prototype, which has none above it.
    if (kind !== null && kind !== objectPrototype && getPrototypeOf(kind) !== null) {
      throw new NotPlain(`${where} is a ${kind.constructor && kind.constructor.name}, which is not a JSON value`);
    }
    if (getOwnPropertySymbols(value).length) throw new NotPlain(`${where} has a symbol as a key`);
    for (const key of keys(value)) checkPlain(value[key], `${where}[${stringify(key).slice(0, 40)}]`, depth + 1, above);
  }
  above.delete(value);
}

function checkArguments() {
  request.names.forEach((name, at) => checkNumbers(request.values[at], name, 0));
}

// JSON.parse has rounded an integer that is too large already; it tells by not being safe any more.
function checkNumbers(value, where) {
  if (typeof value === 'number' && isInteger(value) && !isSafeInteger(value)) {
    throw new NotPlain(`the argument ${where} holds an integer that a number of JavaScript cannot hold exactly`);
  }
  if (isArray(value)) value.forEach((each) => checkNumbers(each, where));
  else if (value !== null && typeof value === 'object') keys(value).forEach((key) => checkNumbers(value[key], where));
}

function shiftClock(seconds) {
  const Real = Date;
  const offset = seconds * 1000 - Real.now();
  globalThis.Date = class Date extends Real {
    constructor(...given) {
      if (given.length) super(...given);
      else super(Real.now() + offset);
    }
    static now() {
      return Real.now() + offset;
    }
  };
}

function compiled(code) {
  // Words of modules that a plain function cannot have; what they export is found by its name anyway.
  const plain = code.replace(/^export\s+(?:default\s+)?(?=(?:async\s+)?function\b|const\b|let\b|var\b|class\b)/gm, '');
  const script = request.form === 'script';
  const names = ['require', 'module', 'exports', ...(script ? request.names : [])];
  const start = `(${script ? 'async ' : ''}function (${names.join(', ')}) {`;
  const end = script
    ? '\n;return typeof result === "undefined" ? null : result;})'
    : `\n;return typeof ${request.entry_point} === "undefined" ? module.exports.${request.entry_point} : ${request.entry_point};})`;
  return new vm.Script(start + plain + end, { filename: 'body.js', columnOffset: -start.length });
}

async function run() {
  checkArguments();
  const odd = (request.form === 'script' ? request.names : [request.entry_point]).find((name) => !NAME.test(name));
  if (odd !== undefined) return fail('runtime', `${odd} is no name in JavaScript`);
  let script;
  try {
    script = compiled(fs.readFileSync(path.join(__dirname, 'body.js'), 'utf8'));
  } catch (error) {
    return fail('syntax', `${error.name}: ${error.message}`, stackOf(error));
  }
  if (request.clock !== null) shiftClock(request.clock);
  const module = { exports: {} };
  const given = [createRequire(path.join(process.cwd(), 'body.js')), module, module.exports];
  const body = script.runInThisContext();
  if (request.form === 'script') {
    const value = await body(...given, ...request.values);
    checkPlain(value, 'result', 0, new Set());
    return answer({ value, arguments: null });
  }
  const entry = body(...given);
  if (typeof entry !== 'function') return fail('runtime', `the code defines no function ${request.entry_point}`);
  const value = await entry(...request.values);
  checkPlain(value, 'result', 0, new Set());
  const after = {};
  request.names.forEach((name, at) => {
    checkPlain(request.values[at], 'the arguments after the call', 0, new Set());
    Object.defineProperty(after, name, { value: request.values[at], enumerable: true });
  });
  return answer({ value, arguments: after });
}

process.on('uncaughtException', blame);
process.on('unhandledRejection', blame);
process.on('beforeExit', () => fail('runtime', 'the promise of the body was never settled'));
run().catch(blame);
