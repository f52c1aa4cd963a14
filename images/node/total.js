// The sum of one field of JSON objects, one a line, for each value of another: total.js map KEY NUMBER; total.js sum.
'use strict';

const { writeSync } = require('fs');

async function* lines(stream) {
  let rest = []; // the pieces of a line that is not over
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]);
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length) yield Buffer.concat(rest);
}

let waiting = [];

function write(text) {
  if (waiting.push(text) >= 1000) flush();
}

function flush() {
  let data = Buffer.from(waiting.join(''));
  waiting = [];
  while (data.length) data = data.subarray(writeSync(1, data));
}

// A key is written as JSON, which has no raw tab and no newline. Numbers are whole: sums of fractions depend on their order.
async function map(key, number) {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  for await (const line of lines(process.stdin)) {
    try {
      const record = JSON.parse(utf8.decode(line));
      write(`${JSON.stringify(record[key] ?? null)}\t${BigInt(record[number])}\n`);
    } catch {
      process.stderr.write('reporter:counter:Input,Malformed,1\n');
    }
  }
}

async function sum() {
  let key = null;
  let total = 0n;
  for await (const line of lines(process.stdin)) {
    const [next, number] = line.toString().split('\t');
    if (next !== key) {
      if (key !== null) write(`${key}\t${total}\n`);
      [key, total] = [next, 0n];
    }
    total += BigInt(number);
  }
  if (key !== null) write(`${key}\t${total}\n`);
}

const [step, ...names] = process.argv.slice(2);
(step === 'map' ? map(...names) : sum()).then(flush);
