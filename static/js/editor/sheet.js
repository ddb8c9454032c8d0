// A block from a spreadsheet: what it is, which way round it lies, and what to say about it. Pure.
import { parse, styleOf } from './numbers.js';

export function cells(text) {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\n$/, '').split('\n');
  return lines.map(line => line.split('\t').map(cell => cell.trim().replace(/^"(.*)"$/, '$1')));
}

const numeric = cell => !parse(cell, '.').problem || !parse(cell, ',').problem;
const isClock = cell => /^\d{1,2}:\d{2}(:\d{2})?([–-]\d{1,2}:\d{2})?$/.test(cell);
const turned = rows => rows[0].map((_, column) => rows.map(row => row[column] ?? ''));

// Words above or beside the numbers are labels; times beside them say where the first row belongs.
function withoutLabels(rows, isValue) {
  const labels = { head: 0, side: 0, clock: null };
  const wordy = row => row.every(cell => cell === '' || !isValue(cell)) && row.some(cell => cell !== '');
  let body = rows;
  while (body.length > 1 && wordy(body[0])) {
    if (isClock(body[0].find(cell => cell !== '') ?? '')) break;
    body = body.slice(1);
    labels.head += 1;
  }
  while (body[0].length > 1 && body.every(row => row[0] === '' || !isValue(row[0]))) {
    if (isClock(body[0][0])) labels.clock = body[0][0].split(/[–-]/)[0].padStart(5, '0').slice(0, 5);
    body = body.map(row => row.slice(1));
    labels.side += 1;
  }
  return { body, labels };
}

// Options stand side by side and ISPs below each other; a block that is wider than there is room was laid on its side.
// `word` says which words are values of their own.
export function understand(text, { room, style = null, word = () => false }) {
  let rows = cells(text);
  let turnedRound = false;
  const fits = block => block[0].length <= room.columns;
  if (!fits(rows) && rows.length <= room.columns + 1 && rows[0].length > rows.length) {
    rows = turned(rows);
    turnedRound = true;
  }
  const { body, labels } = withoutLabels(rows, cell => numeric(cell) || word(cell));
  const found = styleOf(body.flat());
  const mark = style ?? found;
  const unclear = [];
  const values = body.map((row, r) => row.map((cell, c) => {
    const read = cell === '' || word(cell) ? null : parse(cell, mark);
    if (read?.readings) unclear.push({ row: r + 1, column: c + 1, text: cell, problem: read.problem });
    return { text: cell, read };
  }));
  return { values, unclear, labels, turnedRound, mark, sample: sampleOf(body, mark) };
}

function sampleOf(body, mark) {
  const cell = body.flat().find(text => /[.,]/.test(text));
  if (!cell || !mark) return '';
  const read = parse(cell, mark);
  return read.value ? `${cell} read as ${read.value}` : '';
}

// One sentence on what a paste was taken for.
export function told(block, placed, unit) {
  const rows = block.values.length;
  const columns = Math.max(...block.values.map(row => row.length));
  const notes = [`Pasted ${rows} × ${columns} in ${unit}, from ${placed}`];
  if (block.turnedRound) notes.push('time ran to the right and was turned');
  if (block.sample) notes.push(`decimal ${block.mark === ',' ? 'comma' : 'point'}: ${block.sample}`);
  const labels = block.labels.head + block.labels.side;
  if (labels) notes.push(`${labels} ${labels === 1 ? 'line' : 'lines'} of labels left out`);
  return `${notes.join('; ')}.`;
}
