// Counts words and fails where the most frequent one is not what the input says it is.
const text = require('node:fs').readFileSync(0, 'utf8');
const counts = new Map();
for (const word of text.match(/\p{Letter}+/gu) ?? []) {
  counts.set(word, (counts.get(word) ?? 0) + 1);
}
const order = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
for (const [word, count] of order) console.log(`${count} ${word}`);
process.exitCode = order[0]?.[0] === 'a' ? 0 : 1;
